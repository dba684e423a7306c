"""Which calls of the Docker API make a thing what it should be: data, nothing is called here."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from trellis.plugin.contracts import Scope
from trellis.resources import Resource
from trellis.values import Value, freeze_mapping
from trellis_docker.labels import labels_for
from trellis_docker.spec import ContainerSpec, Mount, Port, container_spec
from trellis_dsl.secret import Secret

RESTART_POLICY = "unless-stopped"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Docker Engine API that changes something.

    Attributes:
        method: of HTTP.
        path: below the API's root, its parts quoted.
        query: what stands behind the question mark.
        body: what is sent as JSON, nothing when it is empty; secrets stay `Secret` until the call is made.
        seconds: that it may take beyond the usual time, as for a container that is given time to end.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Value] = field(default_factory=dict)
    seconds: float = 0.0


def quoted(name: str) -> str:
    """A name or a reference as a part of a path."""
    return quote(name, safe="/:@")


def create_container(resource: Resource, scope: Scope, taken: Container[str] = ()) -> Call:
    """Make the container under its own name, not started (Docker Engine API, ContainerCreate).

    Args:
        resource: as it should be.
        scope: whose it is.
        taken: MAC addresses that its predecessor still has.
    """
    spec = container_spec(resource.spec)
    mac = next((mac for mac in spec.macs if mac not in taken), None)
    config: dict[str, object] = {
        "Image": spec.image,
        "Env": [_variable(name, value) for name, value in spec.env.items()],
        "Cmd": list(spec.command) or None,
        "User": spec.user or None,
        "Labels": {**(spec.labels or {}), **labels_for(resource, scope)},
        "StopTimeout": max(1, round(spec.stop_grace)),
        "ExposedPorts": {_port_key(port): {} for port in _published(spec)},
        "HostConfig": _host_config(spec),
        # Engines before 25 read this one, later ones the endpoint's.
        **({"MacAddress": mac} if mac else {}),
        "NetworkingConfig": {"EndpointsConfig": _endpoints(spec, mac)},
    }
    return Call("POST", "/containers/create", {"name": spec.name}, freeze_mapping(config))


def start(container: str) -> Call:
    """Start it (ContainerStart)."""
    return Call("POST", f"/containers/{quoted(container)}/start")


def stop(container: str, grace: float) -> Call:
    """Ask it to end, and end it after `grace` seconds (ContainerStop)."""
    seconds = max(1, round(grace))
    return Call("POST", f"/containers/{quoted(container)}/stop", {"t": str(seconds)}, seconds=seconds)


def unpause(container: str) -> Call:
    """Let it go on (ContainerUnpause)."""
    return Call("POST", f"/containers/{quoted(container)}/unpause")


def rename(container: str, name: str) -> Call:
    """Give it another name (ContainerRename)."""
    return Call("POST", f"/containers/{quoted(container)}/rename", {"name": name})


def remove_container(container: str) -> Call:
    """Remove it with its anonymous volumes, running or not; named volumes stay (ContainerDelete)."""
    return Call("DELETE", f"/containers/{quoted(container)}", {"v": "1", "force": "1"})


def update_container(container: str, spec: ContainerSpec) -> Call:
    """Set limits and restart policy in place; without a memory limit that part is left out (ContainerUpdate)."""
    memory = {"Memory": spec.memory, "MemorySwap": spec.memory} if spec.memory else {}
    policy = {"Name": RESTART_POLICY, "MaximumRetryCount": 0}
    body = {"CpuShares": spec.cpu_shares, "RestartPolicy": policy, **memory}
    return Call("POST", f"/containers/{quoted(container)}/update", body=freeze_mapping(body))


def connect(container: str, spec: ContainerSpec) -> Call:
    """Attach it to its network under its aliases (NetworkConnect)."""
    body = {"Container": container, "EndpointConfig": {"Aliases": spec.aliases}}
    return Call("POST", f"/networks/{quoted(spec.network)}/connect", body=freeze_mapping(body))


def disconnect(container: str, network: str) -> Call:
    """Detach it from a network, even from one that is gone (NetworkDisconnect)."""
    body = {"Container": container, "Force": True}
    return Call("POST", f"/networks/{quoted(network)}/disconnect", body=freeze_mapping(body))


def create_network(resource: Resource, scope: Scope) -> Call:
    """Make a bridge network of its own for the environment (NetworkCreate)."""
    labels = labels_for(resource, scope)
    body = {"Name": resource.spec["name"], "Driver": "bridge", "CheckDuplicate": True, "Labels": labels}
    return Call("POST", "/networks/create", body=freeze_mapping(body))


def remove_network(network: str) -> Call:
    """Remove it, by its id as names may be there twice; Docker refuses while something is attached (NetworkDelete)."""
    return Call("DELETE", f"/networks/{quoted(network)}")


def create_volume(resource: Resource, scope: Scope) -> Call:
    """Make a local volume; its size is what placement counts with, the engine sets no limit (VolumeCreate)."""
    body = {"Name": resource.spec["name"], "Labels": labels_for(resource, scope)}
    return Call("POST", "/volumes/create", body=freeze_mapping(body))


def remove_volume(name: str) -> Call:
    """Remove it with its data; Docker refuses while a container uses it (VolumeDelete)."""
    return Call("DELETE", f"/volumes/{quoted(name)}")


def _variable(name: str, value: Value) -> Value:
    return Secret(f"{name}={value.reveal()}") if isinstance(value, Secret) else f"{name}={value}"


def _published(spec: ContainerSpec) -> tuple[Port, ...]:
    """On the host's own network nothing is published: it listens there itself."""
    return () if spec.network == "host" else spec.ports


def _port_key(port: Port) -> str:
    return f"{port.container_port}/{port.protocol}"


def _bindings(spec: ContainerSpec) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in _published(spec):
        binding = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        bindings.setdefault(_port_key(port), []).append(binding)
    return bindings


def _host_config(spec: ContainerSpec) -> dict[str, object]:
    return {
        "NetworkMode": spec.network,
        "PortBindings": _bindings(spec),
        "Mounts": [_mount(mount) for mount in spec.mounts],
        **({"ExtraHosts": list(spec.extra_hosts)} if spec.extra_hosts else {}),
        "RestartPolicy": {"Name": RESTART_POLICY},
        "CpuShares": spec.cpu_shares if spec.cpu else 0,
        "Memory": spec.memory,
        "MemorySwap": spec.memory,  # the same number: no swap beyond the limit
    }


def _mount(mount: Mount) -> dict[str, object]:
    return {"Type": mount.type, "Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}


def _endpoints(spec: ContainerSpec, mac: str | None) -> dict[str, object]:
    if spec.network == "host":
        return {}
    said = {"Aliases": list(spec.aliases), "Links": list(spec.links), "MacAddress": mac}
    return {spec.network: {key: value for key, value in said.items() if value or key == "Aliases"}}
