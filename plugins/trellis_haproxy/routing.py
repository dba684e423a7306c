"""What each HAProxy of a placed stack serves, and from where; pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import product

from trellis.blueprint import EndpointSpec, ServiceSpec
from trellis.deployment import DeployedInstance, DeployedSite, Deployment, Door, HostAddress, SiteAddress
from trellis.errors import ConfigError
from trellis_dsl.sites import Handling
from trellis_haproxy.model import Proxy, Server, SiteRoute, TcpRoute

OURS = "trellis_haproxy"


def proxy_of(instance: DeployedInstance, deployment: Deployment) -> Proxy:
    """What one HAProxy instance serves.

    Raises:
        ConfigError: a setting of its class cannot be meant.
    """
    service = instance.service
    sites = _sites_through(service, deployment) or _sites(instance, deployment)
    behind = tuple(sorted({one.host.address for one in _in_front_of(service, deployment)}))
    return Proxy(
        container=instance.name,
        stack=deployment.stack,
        environment=deployment.environment,
        ports=ports_of(service, tls=False),
        sites=tuple(_inner(site) for site in sites) if behind else sites,
        tls_ports=ports_of(service, tls=True),
        tcp=() if behind else tuple(_tcp_routes(instance, deployment)),
        behind=behind,
        statistics_port=_port(instance, deployment),
        existing=str(_setting(instance, "existing", deployment) or ""),
    )


def services_of(instance: DeployedInstance, deployment: Deployment) -> frozenset[str]:
    """The services whose instances an HAProxy sends traffic to."""
    through = set(_through(instance.service, deployment))
    sites = through or {site.service for site in deployment.sites}
    tcp = {service.name for service, _ in offered(deployment)} if not is_behind(instance, deployment) else set()
    return frozenset(sites | tcp)


def is_behind(instance: DeployedInstance, deployment: Deployment) -> bool:
    """Whether other proxies stand in front of it: they end TLS, and limit."""
    return bool(_in_front_of(instance.service, deployment))


def doors(deployment: Deployment) -> Iterator[Door]:
    """Where the stack's HAProxies offer endpoints."""
    for instance in deployment.provided_by(OURS):
        if is_behind(instance, deployment):
            continue
        for service, endpoint in offered(deployment):
            answers = HostAddress(instance.host.address, _door_port(endpoint))
            yield Door(service.name, endpoint.name, instance.host.name, answers)


def site_addresses(deployment: Deployment) -> Iterator[SiteAddress]:
    """Where visitors reach the sites: at the proxies that no other one stands in front of, at their lowest port."""
    outer = [one for one in deployment.provided_by(OURS) if not is_behind(one, deployment)]
    for instance, site in product(outer, deployment.sites):
        for port in ports_of(instance.service, tls=site.tls)[:1]:
            yield SiteAddress(_url(site, port), site.service, HostAddress(instance.host.address, port))


def _url(site: DeployedSite, port: int) -> str:
    scheme, usual = ("https", 443) if site.tls else ("http", 80)
    return f"{scheme}://{site.domain}{'' if port == usual else f':{port}'}{site.path}"


def ports_of(service: ServiceSpec, *, tls: bool) -> tuple[int, ...]:
    """On the host's own network a service listens where it says, or where its author fixed the host's port."""
    found = (end.host_port or end.port for end in service.endpoints if end.protocol == "tcp" and end.tls == tls)
    return tuple(sorted(found))


def _sites(instance: DeployedInstance, deployment: Deployment) -> tuple[SiteRoute, ...]:
    return tuple(
        SiteRoute(
            site.domain,
            site.path,
            site.health_path,
            _near_first(instance, deployment, _site_servers(site, deployment)),
            site.tls,
            site.aliases,
            site.handling,
        )
        for site in deployment.sites
    )


Located = tuple[Mapping[str, str], Server]
"""A server, and the labels of its host."""


def _site_servers(site: DeployedSite, deployment: Deployment) -> list[Located]:
    labels = {f"{site.service.lower()}-{one.index}": one.host.labels for one in deployment.instances_of(site.service)}
    return [(labels.get(name, {}), Server(name, answers.address, answers.port)) for name, answers in site.servers]


def _sites_through(service: ServiceSpec, deployment: Deployment) -> tuple[SiteRoute, ...]:
    """The sites as a proxy serves them that stands in front of other proxies; none for one that does not."""
    servers = tuple(
        Server(f"{one.service.name.lower()}-{one.index}", one.host.address, port)
        for name in _through(service, deployment)
        for one in deployment.instances_of(name)
        for port in ports_of(one.service, tls=False)[:1]
    )
    return tuple(
        SiteRoute(site.domain, site.path, site.health_path, servers, site.tls, site.aliases, _outer(site.handling))
        for site in (deployment.sites if servers else ())
    )


def _outer(handling: Handling) -> Handling:
    """In front of other proxies: any of them knows the instance that a visitor stays at."""
    return replace(handling, sticky=False)


def _inner(site: SiteRoute) -> SiteRoute:
    """Behind other proxies: they end TLS, and know the clients that limits count."""
    kept = Handling(sticky=site.handling.sticky, timeout=site.handling.timeout, resend=site.handling.resend)
    return replace(site, tls=False, handling=kept, in_front=site.tls)


def _through(service: ServiceSpec, deployment: Deployment) -> list[str]:
    """The proxies' services that a proxy's service connects to."""
    proxies = {one.service.name for one in deployment.provided_by(OURS)}
    return sorted({link.service for link in service.connections if link.service in proxies})


def _in_front_of(service: ServiceSpec, deployment: Deployment) -> list[DeployedInstance]:
    proxies = deployment.provided_by(OURS)
    return [one for one in proxies if service.name in _through(one.service, deployment)]


def offered(deployment: Deployment) -> list[tuple[ServiceSpec, EndpointSpec]]:
    """Every balanced endpoint of the stack."""
    services = deployment.blueprint.services
    return [(service, endpoint) for service in services for endpoint in service.endpoints if endpoint.balanced]


def _door_port(endpoint: EndpointSpec) -> int:
    return (endpoint.balanced.port if endpoint.balanced else 0) or endpoint.port


def _tcp_routes(instance: DeployedInstance, deployment: Deployment) -> Iterator[TcpRoute]:
    for service, endpoint in offered(deployment):
        how = endpoint.balanced
        assert how is not None  # noqa: S101 - for the type checker: only such endpoints are offered
        located = [
            (one.host.labels, _tcp_server(one, endpoint, how.check_port))
            for one in deployment.instances_of(service.name)
        ]
        # One order for all, where only one is active: every balancer must choose the same.
        servers = (
            tuple(server for _, server in located) if how.one_active else _near_first(instance, deployment, located)
        )
        name = f"{service.name}.{endpoint.name}"
        yield TcpRoute(name, _door_port(endpoint), servers, how.one_active, how.timeout, how.check)


def _tcp_server(instance: DeployedInstance, endpoint: EndpointSpec, check_port: int) -> Server:
    answers = instance.published[endpoint.name]
    checked = [
        instance.published[other.name].port
        for other in instance.service.endpoints
        if check_port and other.port == check_port
    ]
    name = f"{instance.service.name.lower()}-{instance.index}"
    return Server(name, answers.address, answers.port, check_port=checked[0] if checked else 0)


def _near_first(instance: DeployedInstance, deployment: Deployment, located: Collection[Located]) -> tuple[Server, ...]:
    """Those that are further away are backups, where the proxy's class names a label and some are near."""
    label = str(_setting(instance, "near", deployment) or "")
    value = instance.host.labels.get(label) if label else None
    near = {server.name for labels, server in located if value is not None and labels.get(label) == value}
    return tuple(replace(server, backup=bool(near) and server.name not in near) for _, server in located)


def _port(instance: DeployedInstance, deployment: Deployment) -> int:
    found = _setting(instance, "statistics_port", deployment) or 0
    if not isinstance(found, int) or not 0 <= found <= 65535:
        raise ConfigError(f"{found} is not a port", where=f"config.{instance.service.name}.statistics_port")
    return found


def _setting(instance: DeployedInstance, name: str, deployment: Deployment) -> object:
    settings: Mapping[str, object] = deployment.config
    return settings.get(f"{instance.service.name}.{name}")
