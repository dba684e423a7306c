"""All resources of a placed stack: what each host should have."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from trellis.blueprint import FileSpec, HealthSpec, ServiceSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.desiring.binding import (
    Classes,
    bound_role,
    bound_service,
    environment_variables,
    failed,
    guarded,
    service_secrets,
)
from trellis.desiring.carried import role_names
from trellis.desiring.storing import volume_name
from trellis.firewall.addressing import container_macs
from trellis.placing.naming import short_name
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import Value, digest, fingerprinted, freeze, freeze_mapping
from trellis_dsl.files import File
from trellis_dsl.secret import Secret


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
    files = [file for host in deployment.hosts for file in _role_files(host, deployment, classes, root)]
    found: dict[ResourceKey, Resource] = {resource.key: resource for resource in (*plumbing, *files)}
    mounted = _by_container(plumbing)
    for instance in here:
        own_files = _service_files(instance, deployment, classes, root)
        around = tuple(_surroundings(instance, deployment))
        for resource in (*around, *own_files):
            found[resource.key] = resource
        added = mounted.get((instance.host.name, short_name(instance.service.name, instance.index)), [])
        container = _container(instance, deployment, classes, Beside(around, own_files, added), salt)
        found[container.key] = container
    return tuple(found[key] for key in sorted(found))


@dataclass(frozen=True, slots=True)
class Beside:
    """What a container needs on its host: image, network and volumes, its files, and what plugins mount into it."""

    surroundings: Sequence[Resource]
    files: Sequence[Resource]
    added: Sequence[Resource]


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
        "env": environment_variables(classes.services[service.name], instance, deployment),
        "command": service.command,
        "user": service.user,
        "network": _network(deployment) if service.network == "stack" else "host",
        "aliases": (short, service.name.lower()) if service.network == "stack" else (),
        "macs": container_macs(instance.name) if service.network == "stack" else (),
        "ports": [] if service.network == "host" else _port_list(instance),
        "mounts": [*_volume_mounts(instance, deployment), *_file_mounts(files, service), *_added_mounts(added)],
        "cpu": service.needs.cpu,
        "memory": service.needs.memory,
        "disk": service.needs.disk,
        "bandwidth": service.needs.network,
        "labels": dict(service.labels),
        "stop_grace": service.stop_grace,
        "files": digest([_digested(file, salt) for file in files]) if files else "",
        "health": _health(service.health, instance),
        "update": {"start_first": service.update.start_first},
    }
    requires = tuple(item.key for item in (*beside.surroundings, *files, *added))
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


def _file_mounts(files: Sequence[Resource], service: ServiceSpec) -> list[dict[str, object]]:
    targets = [file.path for file in service.files]
    return [
        {"type": "bind", "source": file.key.name, "target": target, "read_only": True}
        for file, target in zip(files, targets, strict=True)
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


def _role_files(host: str, deployment: Deployment, classes: Classes, root: Path) -> Iterable[Resource]:
    for name in role_names(deployment.hosts[host], deployment.blueprint):
        for spec in deployment.blueprint.role(name).files:
            cls = classes.roles[name]
            secrets = tuple(value for value in deployment.config.values() if isinstance(value, Secret))
            bind = partial(bound_role, cls, name, host, deployment)
            content = _content(cls, spec, root, bind, secrets)
            yield _file(spec, spec.path, host, content, Owner(name))


def _service_files(
    instance: DeployedInstance, deployment: Deployment, classes: Classes, root: Path
) -> tuple[Resource, ...]:
    """An instance's files, in the order of the specification; each lies in the instance's own folder on the host."""
    host, service = instance.host.name, instance.service
    folder = f"{deployment.folder(host)}/{short_name(service.name, instance.index)}/files"
    cls = classes.services[service.name]
    owner = Owner(instance.role, service.name, instance.index)
    secrets = service_secrets(service, deployment)
    return tuple(
        _file(
            spec,
            f"{folder}/{spec.name}",
            host,
            _content(cls, spec, root, lambda: bound_service(cls, instance, deployment), secrets),
            owner,
        )
        for spec in service.files
    )


def _content(cls: type, spec: FileSpec, root: Path, bind: Callable[[], object], secrets: tuple[Secret, ...]) -> Value:
    """The file's content: base64 text, or a `Secret` of the text itself."""
    if spec.source:
        return base64.b64encode((root / spec.source).read_bytes()).decode()
    declared = _declared(cls, spec.name)
    try:
        text = declared.render(bind()) if declared.render else ""
    except Exception as error:  # noqa: BLE001 - the user's method may fail in any way
        raise failed(f"{cls.__name__}.{spec.name}", error, str(declared.location)) from None
    guarded_text = guarded(text, secrets)
    return guarded_text if isinstance(guarded_text, Secret) else base64.b64encode(guarded_text.encode()).decode()


def _declared(cls: type, name: str) -> File:
    for base in cls.__mro__:
        found = vars(base).get(name)
        if isinstance(found, File):
            return found
    raise KeyError(name)


def _file(spec: FileSpec, path: str, host: str, content: Value, owner: Owner) -> Resource:
    fields = {
        "path": path,
        "kind": spec.kind,
        "content": content,
        "mode": spec.mode,
        "owner": spec.owner,
        "group": spec.group,
    }
    return Resource(ResourceKey("file", path, host), freeze_mapping(fields), owner)


def _digested(file: Resource, salt: bytes) -> object:
    return fingerprinted(freeze({key: value for key, value in file.spec.items() if key != "path"}), salt)
