"""The `haproxy-config` resources of a placed stack; pure."""

from dataclasses import asdict

from trellis.deployment import DeployedInstance, Deployment
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_haproxy.config import render
from trellis_haproxy.model import ETC, RUN
from trellis_haproxy.routing import OURS, proxy_of, services_of

KIND = "haproxy-config"


def proxy_configs(deployment: Deployment) -> tuple[Resource, ...]:
    """One resource for each HAProxy instance on a host that answered.

    Raises:
        UsageError: a domain, a path or an address cannot be used.
    """
    proxies = deployment.provided_by(OURS)
    return tuple(_resource(proxy, deployment) for proxy in proxies if proxy.host.name in deployment.hosts)


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
        "tcp": [asdict(route) for route in proxy.tcp],
        "existing": proxy.existing,
        "offers": [route.name for route in proxy.tcp],
        "mounts_into": {"container": name, "mounts": _mounts(folder)},
    }
    return Resource(
        key=ResourceKey(KIND, name, host),
        spec=freeze_mapping(spec),
        owner=Owner(instance.role, service.name, instance.index),
        requires=(ResourceKey("image", service.image, host),),
        after=_servers_of(instance, deployment),
    )


def _servers_of(instance: DeployedInstance, deployment: Deployment) -> tuple[ResourceKey, ...]:
    """The containers that the configuration sends traffic to: a running proxy is given those that are healthy."""
    services = services_of(instance, deployment)
    return tuple(
        ResourceKey("container", f"{one.service.name.lower()}-{one.index}", one.host.name)
        for one in deployment.instances
        if one.service.name in services
    )


def _mounts(folder: str) -> list[dict[str, object]]:
    """Folders, not files: a renamed file is seen through a folder only."""
    return [
        {"type": "bind", "source": f"{folder}/etc", "target": ETC, "read_only": True},
        {"type": "bind", "source": f"{folder}/run", "target": RUN, "read_only": False},
    ]
