"""The `haproxy-config` resources of a placed stack; pure."""

from dataclasses import asdict

from trellis.blueprint import ServiceSpec
from trellis.deployment import DeployedInstance, DeployedSite, Deployment
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_haproxy.config import render
from trellis_haproxy.model import ETC, RUN, Proxy, Server, SiteRoute

KIND = "haproxy-config"


def proxy_configs(deployment: Deployment) -> tuple[Resource, ...]:
    """One resource for each HAProxy instance on a host that answered.

    Raises:
        UsageError: a domain, a path or an address cannot be used.
    """
    proxies = deployment.provided_by("trellis_haproxy")
    return tuple(_resource(proxy, deployment) for proxy in proxies if proxy.host.name in deployment.hosts)


def proxy_of(instance: DeployedInstance, deployment: Deployment) -> Proxy:
    """What one HAProxy instance serves."""
    return Proxy(
        container=instance.name,
        stack=deployment.stack,
        environment=deployment.environment,
        ports=ports_of(instance.service, tls=False),
        sites=tuple(_route(site) for site in deployment.sites),
        tls_ports=ports_of(instance.service, tls=True),
    )


def _route(site: DeployedSite) -> SiteRoute:
    servers = tuple(Server(name, answers.address, answers.port) for name, answers in site.servers)
    return SiteRoute(site.domain, site.path, site.health_path, servers, site.tls, site.aliases)


def _resource(instance: DeployedInstance, deployment: Deployment) -> Resource:
    host, service = instance.host.name, instance.service
    name = f"{service.name.lower()}-{instance.index}"
    folder = f"{deployment.folder(host)}/{name}"
    proxy = proxy_of(instance, deployment)
    config, digest = render(proxy)
    spec = {
        "config": config,
        "digest": digest,
        "folder": folder,
        "container": instance.name,
        "image": service.image,
        "ports": proxy.ports,
        "tls_ports": proxy.tls_ports,
        "sites": [asdict(site) for site in proxy.sites],
        "mounts_into": {"container": name, "mounts": _mounts(folder)},
    }
    return Resource(
        key=ResourceKey(KIND, name, host),
        spec=freeze_mapping(spec),
        owner=Owner(instance.role, service.name, instance.index),
        requires=(ResourceKey("image", service.image, host),),
        after=_servers_of(deployment),
    )


def _servers_of(deployment: Deployment) -> tuple[ResourceKey, ...]:
    """The containers that the configuration sends traffic to: a running proxy is given those that are healthy."""
    services = {site.service for site in deployment.sites}
    return tuple(
        ResourceKey("container", f"{one.service.name.lower()}-{one.index}", one.host.name)
        for one in deployment.instances
        if one.service.name in services
    )


def ports_of(service: ServiceSpec, *, tls: bool) -> tuple[int, ...]:
    """On the host's own network a service listens where it says, or where its author fixed the host's port."""
    found = (end.host_port or end.port for end in service.endpoints if end.protocol == "tcp" and end.tls == tls)
    return tuple(sorted(found))


def _mounts(folder: str) -> list[dict[str, object]]:
    """Folders, not files: a renamed file is seen through a folder only."""
    return [
        {"type": "bind", "source": f"{folder}/etc", "target": ETC, "read_only": True},
        {"type": "bind", "source": f"{folder}/run", "target": RUN, "read_only": False},
    ]
