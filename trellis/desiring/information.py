"""What an instance is told about the services that it depends on, and how it learns of a change; pure.

It finds ``/etc/trellis/services.json`` in its container: a file in a folder of the host, so that it changes under a
running process and is there without Trellis. Who cannot read it again says nothing, and has the same in its environment
and ``/etc/hosts`` too; then its container is made anew when a dependency moves.
"""

import base64
import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trellis.blueprint import ConnectionSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.desiring.binding import reachable
from trellis.placing.naming import short_name
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_dsl.endpoints import Address

FOLDER = "/etc/trellis"
"""Where a container finds its file."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that an instance depends on, as seen from it; the nearest instances come first."""

    connection: ConnectionSpec
    protocol: str
    instances: tuple[tuple[DeployedInstance, Address], ...]

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.connection.name


@dataclass(frozen=True, slots=True)
class Information:
    """What one instance is told.

    Attributes:
        resources: its file, and where its container sees it.
        env: variables for what cannot be read again.
        extra_hosts: name to address for its ``/etc/hosts``, likewise.
        links: container to the name under which its own network knows it, likewise.
    """

    resources: tuple[Resource, ...] = ()
    env: Mapping[str, str] | None = None
    extra_hosts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def information(instance: DeployedInstance, deployment: Deployment) -> Information:
    """What an instance is told; nothing for one that depends on no other."""
    found = [_dependency(connection, instance, deployment) for connection in instance.service.connections]
    if not found:
        return Information()
    fixed = [one for one in found if one.connection.on_change == "restart"]
    return Information(
        resources=(_file(found, instance, deployment),),
        env={"TRELLIS_SERVICES": f"{FOLDER}/services.json", **_variables(fixed)},
        extra_hosts=tuple(f"{name}:{address}" for name, address in _remote_names(fixed)),
        links=tuple(dict.fromkeys(_links(fixed, instance))),
    )


def _dependency(connection: ConnectionSpec, seen_from: DeployedInstance, deployment: Deployment) -> Dependency:
    peers = deployment.instances_of(connection.service)
    near_first = sorted(peers, key=lambda peer: (peer.host.name != seen_from.host.name, peer.index))
    protocol = deployment.blueprint.service(connection.service).endpoint(connection.endpoint).protocol
    addresses = tuple((peer, reachable(peer, connection.endpoint, seen_from)) for peer in near_first)
    return Dependency(connection, protocol, addresses)


def _file(found: Sequence[Dependency], instance: DeployedInstance, deployment: Deployment) -> Resource:
    host, short = instance.host.name, short_name(instance.service.name, instance.index)
    folder = f"{deployment.folder(host)}/{short}/information"
    path = f"{folder}/services.json"
    # A folder, not the file: a file that is renamed into it is seen through a folder only.
    mount = {"type": "bind", "source": folder, "target": FOLDER, "read_only": True}
    spec: dict[str, object] = {
        "path": path,
        "kind": "dynamic",
        "content": base64.b64encode(_document(found, instance, deployment).encode()).decode(),
        "mode": 0o644,
        "owner": "",
        "group": "",
        "mounts_into": {"container": short, "mounts": [mount]},
    }
    signals = [one.connection.signal for one in found if one.connection.on_change == "signal"]
    if signals:
        spec["tell"] = {"container": instance.name, "signal": signals[0]}
    owner = Owner(instance.role, instance.service.name, instance.index)
    return Resource(ResourceKey("file", path, host), freeze_mapping(spec), owner)


def _document(found: Sequence[Dependency], instance: DeployedInstance, deployment: Deployment) -> str:
    document = {
        "schema_version": 1,
        "stack": deployment.stack,
        "environment": deployment.environment,
        "instance": short_name(instance.service.name, instance.index),
        "services": {one.name: _described(one) for one in found},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _described(dependency: Dependency) -> dict[str, object]:
    instances = [
        {
            "name": short_name(peer.service.name, peer.index),
            "on": peer.host.name,
            "host": address.host,
            "port": address.port,
        }
        for peer, address in dependency.instances
    ]
    first = instances[0] if instances else {"host": "", "port": 0}
    return {
        "service": dependency.connection.service,
        "endpoint": dependency.connection.endpoint,
        "protocol": dependency.protocol,
        "host": first["host"],
        "port": first["port"],
        "instances": instances,
    }


def _remote_names(found: Sequence[Dependency]) -> Iterator[tuple[str, str]]:
    """The connection's name for the nearest instance, then each instance's own; only those at an address."""
    for one in found:
        for number, (peer, address) in enumerate(one.instances):
            if _is_address(address.host):
                if number == 0:
                    yield _host_name(one.name), address.host
                yield short_name(peer.service.name, peer.index), address.host


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host_name(connection: str) -> str:
    """A connection's name as a name of a host: no underscores there (RFC 1123)."""
    return connection.replace("_", "-")


def _links(found: Sequence[Dependency], seen_from: DeployedInstance) -> Iterator[str]:
    """Where the nearest instance is on the same host's network, the engine knows it by the connection's name."""
    for one in found:
        if one.instances and seen_from.service.network == "stack":
            peer, address = one.instances[0]
            if not _is_address(address.host):
                yield f"{peer.name}:{_host_name(one.name)}"


def _variables(found: Sequence[Dependency]) -> dict[str, str]:
    """``TRELLIS_DATABASE_HOST``, ``…_PORT`` and ``…_INSTANCES`` (``host:port``, with commas between)."""
    variables: dict[str, str] = {}
    for one in found:
        addresses = [address for _, address in one.instances]
        prefix = f"TRELLIS_{one.name.upper()}"
        variables[f"{prefix}_HOST"] = addresses[0].host if addresses else ""
        variables[f"{prefix}_PORT"] = str(addresses[0].port) if addresses else ""
        variables[f"{prefix}_INSTANCES"] = ",".join(address.url.removeprefix("http://") for address in addresses)
    return variables
