"""All resources of a placed stack: what each host should have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trellis.blueprint import HealthSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.desiring.binding import (
    Classes,
    environment_variables,
)
from trellis.desiring.files import InstanceFiles, instance_files, role_files
from trellis.desiring.information import Information, information
from trellis.desiring.storing import volume_name
from trellis.firewall.addressing import container_macs
from trellis.placing.naming import short_name
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping


def desired(
    deployment: Deployment, classes: Classes, root: Path, plumbing: Sequence[Resource], salt: bytes
) -> tuple[Resource, ...]:
    """Every resource, sorted by key.

    Args:
        deployment: the placed stack.
        classes: whose methods render variables and files.
        root: the stack's folder, for the sources of files.
        plumbing: what plugins add; what they mount into containers is merged here.
        salt: the environment's, for the digests of files that hold secrets.
    """
    here = [instance for instance in deployment.instances if instance.host.name in deployment.hosts]
    files = [file for host in deployment.hosts for file in role_files(host, deployment, classes, root)]
    found: dict[ResourceKey, Resource] = {resource.key: resource for resource in (*plumbing, *files)}
    mounted = _by_container(plumbing)
    for instance in here:
        own_files = instance_files(instance, deployment, classes, root)
        around = tuple(_surroundings(instance, deployment))
        for resource in (*around, *own_files.resources):
            found[resource.key] = resource
        told = information(instance, deployment)
        found |= {resource.key: resource for resource in told.resources}
        added = mounted.get((instance.host.name, short_name(instance.service.name, instance.index)), [])
        beside = Beside(around, own_files, [*added, *told.resources], told)
        container = _container(instance, deployment, classes, beside, salt)
        found[container.key] = container
    return tuple(found[key] for key in sorted(found))


@dataclass(frozen=True, slots=True)
class Beside:
    """What a container needs on its host.

    Attributes:
        surroundings: image, network and volumes.
        files: its own.
        added: what plugins mount into it, and its information about other services.
        told: that information.
    """

    surroundings: Sequence[Resource]
    files: InstanceFiles
    added: Sequence[Resource]
    told: Information


def _surroundings(instance: DeployedInstance, deployment: Deployment) -> Iterable[Resource]:
    """The image, the network and the volumes that an instance needs on its host."""
    host, service = instance.host.name, instance.service
    yield Resource(ResourceKey("image", service.image, host), freeze_mapping({"reference": service.image}))
    if service.network == "stack":
        name = _network(deployment)
        yield Resource(ResourceKey("network", name, host), freeze_mapping({"name": name}))
    role = deployment.blueprint.role(instance.role)
    sizes = {storage.name: storage.size for storage in role.storages} if service.mounts else {}
    for storage, name in _volumes(instance, deployment).values():
        spec = freeze_mapping({"name": name, "size": sizes[storage]})
        yield Resource(ResourceKey("volume", name, host), spec, Owner(instance.role))


def _network(deployment: Deployment) -> str:
    return f"{deployment.stack}-{deployment.environment}"


def _volumes(instance: DeployedInstance, deployment: Deployment) -> dict[str, tuple[str, str]]:
    """Mount path to (storage, volume's name)."""
    if not instance.service.mounts:
        return {}
    runs = {run.service: run for run in deployment.blueprint.role(instance.role).runs}
    storages = dict(runs[instance.service.name].storages)
    return {
        mount.path: (
            storages[mount.name],
            volume_name(deployment.stack, deployment.environment, instance.role, storages[mount.name]),
        )
        for mount in instance.service.mounts
    }


def _container(
    instance: DeployedInstance,
    deployment: Deployment,
    classes: Classes,
    beside: Beside,
    salt: bytes,
) -> Resource:
    service, host = instance.service, instance.host.name
    short = short_name(service.name, instance.index)
    files, added = beside.files, beside.added
    spec: dict[str, object] = {
        "name": instance.name,
        "image": service.image,
        "env": {
            **(beside.told.env or {}),
            **environment_variables(classes.services[service.name], instance, deployment),
        },
        "command": service.command,
        "user": service.user,
        "network": _network(deployment) if service.network == "stack" else "host",
        "aliases": (short, service.name.lower()) if service.network == "stack" else (),
        "extra_hosts": beside.told.extra_hosts,
        "links": beside.told.links,
        "macs": container_macs(instance.name) if service.network == "stack" else (),
        "ports": [] if service.network == "host" else _port_list(instance),
        "mounts": [*_volume_mounts(instance, deployment), *files.mounts, *_added_mounts(added)],
        "cpu": service.needs.cpu,
        "memory": service.needs.memory,
        "disk": service.needs.disk,
        "bandwidth": service.needs.network,
        "labels": dict(service.labels),
        "stop_grace": service.stop_grace,
        "files": files.digest(salt),
        "health": _health(service.health, instance),
        "update": {"start_first": service.update.start_first},
    }
    requires = tuple(item.key for item in (*beside.surroundings, *files.resources, *added))
    owner = Owner(instance.role, service.name, instance.index)
    return Resource(ResourceKey("container", short, host), freeze_mapping(spec), owner, requires)


def _by_container(plumbing: Iterable[Resource]) -> dict[tuple[str, str], list[Resource]]:
    """What plugins mount into containers, by the container's host and name."""
    found: dict[tuple[str, str], list[Resource]] = {}
    for resource in plumbing:
        into = resource.spec.get("mounts_into")
        if isinstance(into, Mapping):
            found.setdefault((resource.key.host, str(into["container"])), []).append(resource)
    return found


def _port_list(instance: DeployedInstance) -> list[dict[str, object]]:
    return [
        {
            "endpoint": endpoint.name,
            "container_port": endpoint.port,
            "protocol": endpoint.protocol,
            "host_ip": "0.0.0.0" if endpoint.public else instance.host.address,  # noqa: S104 - public means anywhere
            "host_port": instance.published[endpoint.name].port,
        }
        for endpoint in instance.service.endpoints
    ]


def _volume_mounts(instance: DeployedInstance, deployment: Deployment) -> list[dict[str, object]]:
    return [
        {"type": "volume", "source": name, "target": path, "read_only": False}
        for path, (_, name) in sorted(_volumes(instance, deployment).items())
    ]


def _added_mounts(added: Sequence[Resource]) -> list[object]:
    mounts: list[object] = []
    for resource in added:
        into = resource.spec["mounts_into"]
        if isinstance(into, Mapping) and isinstance(into["mounts"], tuple):
            mounts.extend(into["mounts"])
    return mounts


def _health(health: HealthSpec | None, instance: DeployedInstance) -> dict[str, object] | None:
    if health is None:
        return None
    address = instance.published.get(health.endpoint)
    return asdict(health) | {
        "address": address.address if address else "",
        "port": address.port if address else 0,
    }
