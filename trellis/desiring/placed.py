"""A blueprint, placed: instances with their names and addresses, and the sites over them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from trellis.blueprint import Blueprint, EndpointSpec, ServiceSpec, SiteSpec
from trellis.deployment import DeployedInstance, DeployedSite, Deployment, HostAddress
from trellis.desiring.overlapping import Place
from trellis.desiring.ports import allocate
from trellis.environments.model import Environment
from trellis.errors import StackError
from trellis.observing import Observed
from trellis.placing.model import PlacedInstance, Placement
from trellis.placing.naming import short_name
from trellis.resources import ResourceKey
from trellis.values import Value


def reasons_of(placement: Placement) -> dict[ResourceKey, str]:
    """Why each instance's container is to be on its host, or why it stops there."""
    return {
        ResourceKey("container", short_name(placed.service, placed.index), placed.host): placed.reason
        for placed in (*placement.stopped, *placement.instances)
    }


def deployment(
    blueprint: Blueprint,
    environment: Environment,
    config: Mapping[str, Value],
    placement: Placement,
    observed: Mapping[str, Observed],
    elsewhere: Collection[Place] = (),
) -> Deployment:
    """The placed stack, as plugins read it; what is `elsewhere` does not keep the port that it has."""
    ports = _ports(blueprint, placement, observed, elsewhere)
    instances = tuple(_instance(blueprint, environment, placed, ports) for placed in sorted(placement.instances))
    answering = {name: seen for name, seen in observed.items() if not seen.problem}
    return Deployment(
        environment=environment.name,
        blueprint=blueprint,
        config=config,
        hosts={name: environment.hosts[name] for name in answering if name in environment.hosts},
        facts={name: seen.facts for name, seen in answering.items()},
        instances=instances,
        sites=_sites(blueprint, config, instances),
        clouds={name: seen.host for name, seen in answering.items() if name not in environment.hosts},
    )


Ports = Mapping[str, Mapping[tuple[str, str], int]]


def _ports(
    blueprint: Blueprint,
    placement: Placement,
    observed: Mapping[str, Observed],
    elsewhere: Collection[Place],
) -> Ports:
    by_host = groupby(sorted(placement.instances, key=lambda placed: placed.host), key=lambda placed: placed.host)
    return {host: _host_ports(blueprint, list(placed), observed[host], elsewhere) for host, placed in by_host}


def _host_ports(
    blueprint: Blueprint, placed: Sequence[PlacedInstance], seen: Observed, elsewhere: Collection[Place]
) -> Mapping[tuple[str, str], int]:
    wanted = [
        (short_name(item.service, item.index), endpoint.name)
        for item in placed
        for endpoint in blueprint.service(item.service).endpoints
        if _is_allocated(blueprint.service(item.service), endpoint)
    ]
    current = _current(seen)
    given_up = {key for key in current if (seen.host.name, *key) in elsewhere}
    taken = frozenset(port for _, port in seen.facts.foreign.ports) | {current[key] for key in given_up}
    kept = {key: port for key, port in current.items() if key not in given_up}
    return allocate(wanted, kept, taken, seen.host.name, blueprint.stack)


def _is_allocated(service: ServiceSpec, endpoint: EndpointSpec) -> bool:
    return service.network != "host" and endpoint.host_port is None


def _current(seen: Observed) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for actual in seen.actuals:
        ports = actual.spec.get("ports")
        if actual.key.kind != "container" or actual.foreign or not isinstance(ports, tuple):
            continue
        for port in ports:
            if isinstance(port, Mapping) and isinstance(port["host_port"], int):
                found[actual.key.name, str(port["endpoint"])] = port["host_port"]
    return found


def _instance(blueprint: Blueprint, environment: Environment, placed: PlacedInstance, ports: Ports) -> DeployedInstance:
    service = blueprint.service(placed.service)
    host = environment.hosts[placed.host]
    short = short_name(service.name, placed.index)

    def port(endpoint: EndpointSpec) -> int:
        if _is_allocated(service, endpoint):
            return ports[host.name][short, endpoint.name]
        return endpoint.host_port or endpoint.port

    published = {endpoint.name: HostAddress(host.address, port(endpoint)) for endpoint in service.endpoints}
    name = f"{blueprint.stack}-{environment.name}-{short}"
    return DeployedInstance(service, placed.role, placed.index, host, name, published)


def _sites(
    blueprint: Blueprint, config: Mapping[str, Value], instances: Sequence[DeployedInstance]
) -> tuple[DeployedSite, ...]:
    sites = [_site(service, site, config, instances) for service in blueprint.services for site in service.sites]
    found = tuple(sorted(sites, key=lambda site: (site.domain, site.path, site.name)))
    _refuse_clashes(found, blueprint)
    return found


def _refuse_clashes(sites: Sequence[DeployedSite], blueprint: Blueprint) -> None:
    """Two sites that no balancer could tell apart."""
    seen: dict[tuple[str, str], DeployedSite] = {}
    for site in sites:
        for name in dict.fromkeys((site.domain, *site.aliases)):
            other = seen.setdefault((name.lower(), site.path.rstrip("/")), site)
            if other is not site:
                raise StackError(
                    f"{other.name} and {site.name} are both {name}{site.path.rstrip('/')}",
                    where=blueprint.service(site.service).location,
                    hint="give one of them another name, or a path of its own",
                )


def _site(
    service: ServiceSpec, site: SiteSpec, config: Mapping[str, Value], instances: Sequence[DeployedInstance]
) -> DeployedSite:
    health = service.health
    asked = health is not None and health.kind == "http" and health.endpoint == site.endpoint
    servers = tuple(
        (short_name(service.name, instance.index), instance.published[site.endpoint])
        for instance in instances
        if instance.service.name == service.name
    )
    return DeployedSite(
        name=f"{service.name}.{site.name}",
        domain=str(config[site.domain_config]) if site.domain_config else site.domain,
        path=site.path,
        tls=site.tls,
        service=service.name,
        endpoint=site.endpoint,
        health_path=health.path if health is not None and asked else "",
        servers=servers,
        aliases=_aliases(site, config),
        handling=replace(site.handling, maintenance=bool(config[site.maintenance_config]))
        if site.maintenance_config
        else site.handling,
    )


def _aliases(site: SiteSpec, config: Mapping[str, Value]) -> tuple[str, ...]:
    found = config[site.aliases_config] if site.aliases_config else site.aliases
    assert isinstance(found, tuple)  # noqa: S101 - for the type checker: evaluation makes sure
    return tuple(map(str, found))
