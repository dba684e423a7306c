"""Which calls of the Docker API make a thing what it should be: data, nothing is called here."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from trellis.plugin.contracts import Scope
from trellis.resources import Resource
from trellis.values import Value, freeze_mapping
from trellis_docker.labels import labels_for
from trellis_docker.spec import ContainerSpec, Mount, Port, container_spec
from trellis_dsl.secret import Secret

RESTART_POLICY = "unless-stopped"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Docker API.

    Attributes:
        operation: the method of the Docker SDK's `APIClient`.
        arguments: its keyword arguments; secrets stay `Secret` until it is made.
    """

    operation: str
    arguments: Mapping[str, Value]


def call(operation: str, **arguments: object) -> Call:
    """A `Call` with its arguments frozen."""
    return Call(operation, freeze_mapping(arguments))


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
    return call("create_container_from_config", config=config, name=spec.name)


def start(container: str) -> Call:
    """Start it."""
    return call("start", container=container)


def stop(container: str, grace: float) -> Call:
    """Ask it to end, and end it after `grace` seconds."""
    return call("stop", container=container, timeout=max(1, round(grace)))


def unpause(container: str) -> Call:
    """Let it go on."""
    return call("unpause", container=container)


def rename(container: str, name: str) -> Call:
    """Give it another name."""
    return call("rename", container=container, name=name)


def remove_container(container: str) -> Call:
    """Remove it with its anonymous volumes, running or not; named volumes stay."""
    return call("remove_container", container=container, v=True, force=True)


def update_container(container: str, spec: ContainerSpec) -> Call:
    """Set limits and restart policy in place; without a memory limit that part is left out."""
    memory = {"mem_limit": spec.memory, "memswap_limit": spec.memory} if spec.memory else {}
    policy = {"Name": RESTART_POLICY, "MaximumRetryCount": 0}
    return call("update_container", container=container, cpu_shares=spec.cpu_shares, restart_policy=policy, **memory)


def connect(container: str, spec: ContainerSpec) -> Call:
    """Attach it to its network under its aliases."""
    return call("connect_container_to_network", container=container, net_id=spec.network, aliases=spec.aliases)


def disconnect(container: str, network: str) -> Call:
    """Detach it from a network, even from one that is gone."""
    return call("disconnect_container_from_network", container=container, net_id=network, force=True)


def create_network(resource: Resource, scope: Scope) -> Call:
    """Make a bridge network of its own for the environment."""
    labels = labels_for(resource, scope)
    return call("create_network", name=resource.spec["name"], driver="bridge", labels=labels, check_duplicate=True)


def remove_network(network: str) -> Call:
    """Remove it, by its id as names may be there twice; Docker refuses while something is attached."""
    return call("remove_network", net_id=network)


def create_volume(resource: Resource, scope: Scope) -> Call:
    """Make a local volume; its size is what placement counts with, the engine sets no limit."""
    return call("create_volume", name=resource.spec["name"], labels=labels_for(resource, scope))


def remove_volume(name: str) -> Call:
    """Remove it with its data; Docker refuses while a container uses it."""
    return call("remove_volume", name=name)


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
