"""A container's spec, read once from the resource's JSON into types."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from trellis.values import Value


@dataclass(frozen=True, slots=True)
class Port:
    """A container's port on the host."""

    endpoint: str
    container_port: int
    protocol: str = "tcp"
    host_ip: str = ""
    host_port: int = 0

    def __str__(self) -> str:
        """``http 127.0.0.1:20001``."""
        return f"{self.endpoint} {self.host_ip}:{self.host_port}".strip()


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume or a folder of the host in the container."""

    type: Literal["volume", "bind"]
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What a container is made from.

    Attributes:
        name: the container's name in Docker.
        image: its reference.
        env: values are text or `Secret`; fingerprints in a spec that comes from a label.
        command: instead of the image's; empty keeps it.
        user: instead of the image's; empty keeps it.
        network: a network's name, or ``host``.
        aliases: its names on that network.
        macs: the MAC addresses that it may have there: firewalls know it by them. It has the first, or the second while
            its predecessor has the first.
        extra_hosts: ``name:address`` for its ``/etc/hosts``.
        links: ``container:name``: names of its own for others on that network.
        ports: published ports; for ``host``, those on which it listens itself.
        mounts: what is mounted.
        cpu: cores, as a share; 0 takes Docker's default.
        memory: hard limit in bytes; 0 is none.
        labels: the user's own.
        stop_grace: seconds from SIGTERM to SIGKILL.
        files: digest of the files that are mounted into it.
        health: see `trellis.health.check_from`.
        start_first: the new one starts before the old one stops.
    """

    name: str
    image: str
    env: Mapping[str, Value]
    command: tuple[str, ...] = ()
    user: str = ""
    network: str = "bridge"
    aliases: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    cpu: float = 0.0
    memory: int = 0
    labels: Mapping[str, str] | None = None
    stop_grace: float = 10.0
    files: str = ""
    health: Mapping[str, Value] | None = None
    start_first: bool = False

    @property
    def previous(self) -> str:
        """The name under which an old container waits until the new one is healthy."""
        return f"{self.name}.previous"

    @property
    def cpu_shares(self) -> int:
        """The share of a core as Docker weighs it: 1024 is one core's, and the least is 2."""
        return max(2, round(1024 * self.cpu)) if self.cpu else 1024


def container_spec(spec: Mapping[str, Value]) -> ContainerSpec:
    """The typed spec; fields that are missing or null take their defaults, unknown ones are left out.

    Raises:
        TypeError: the name or the image is missing.
    """
    known: dict[str, Any] = {
        field.name: spec[field.name] for field in fields(ContainerSpec) if spec.get(field.name) is not None
    }
    known["env"] = spec.get("env") or {}
    known["ports"] = tuple(Port(**port) for port in known.get("ports", ()))
    known["mounts"] = tuple(Mount(**mount) for mount in known.get("mounts", ()))
    update: Any = spec.get("update") or {}
    known["start_first"] = bool(update.get("start_first"))
    return ContainerSpec(**known)


def published(spec: Mapping[str, Value]) -> dict[str, int]:
    """Endpoint name to its port on the host, of a spec in any state; empty when that is not known."""
    return {port.endpoint: port.host_port for port in container_spec(spec).ports} if spec.get("name") else {}
