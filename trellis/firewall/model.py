"""What a host's firewall lets in and out, and the connection that needs it: data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from trellis.blueprint import Protocol
from trellis.values import Value

ANYONE = ("0.0.0.0/0", "::/0")
"""Every address of both families."""


@dataclass(frozen=True, slots=True, order=True)
class Allowance:
    """Who may connect, and why.

    Attributes:
        networks: addresses and networks of both families, sorted.
        containers: MAC addresses of the stack's own containers on the same host.
        why: ``Website.database connects to MariaDB.sql``.
    """

    networks: tuple[str, ...]
    containers: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, order=True)
class Guard:
    """A port of the stack on its host: only those allowed may connect to it, and the host itself.

    Attributes:
        protocol: tcp or udp.
        port: on the host.
        address: of the host, at which it is published; empty for all.
        serves: ``mariadb-1 MariaDB.sql``.
        allowed: who may connect.
    """

    protocol: Protocol
    port: int
    address: str
    serves: str
    allowed: tuple[Allowance, ...]

    @property
    def public(self) -> bool:
        """Whether anyone may connect."""
        return any(set(ANYONE) <= set(allowance.networks) for allowance in self.allowed)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What an instance may connect to, and why; `port` 0 is every port of the protocol."""

    protocol: Protocol
    port: int
    networks: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """An instance on its host that may connect to its targets and to name servers, and to nothing else.

    Attributes:
        instance: ``website-1``.
        containers: its MAC addresses.
        allowed: what it may connect to.
    """

    instance: str
    containers: tuple[str, ...]
    allowed: tuple[Target, ...]


@dataclass(frozen=True, slots=True, order=True)
class Exit:
    """A guarded endpoint, elsewhere, that only the stack's own clients here may connect to.

    Other hosts see one address for everything on this one, so who may use it is decided where it is still known: of
    the containers here only those listed may. The host's own processes may, as they cannot be told apart.

    Attributes:
        protocol: tcp or udp.
        ends: address and port of each instance that listens.
        containers: MAC addresses of the clients' containers here.
        why: the connections that open it to this host.
    """

    protocol: Protocol
    ends: tuple[tuple[str, int], ...]
    containers: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A port of the host's own that operators asked for; it matters on exclusive hosts, others leave it alone.

    `port` 0 is every port of the protocol.
    """

    protocol: Protocol
    port: int
    networks: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that one host's firewall keeps for a stack in an environment.

    Attributes:
        guards: the stack's ports, by protocol and port.
        exits: guarded endpoints on other hosts.
        limits: instances whose way out is limited, by name.
        openings: ports of the host's own.
        exclusive: whatever is not in `guards` or `openings` is closed too.
        ssh_ports: where Trellis itself comes in; always open.
    """

    guards: tuple[Guard, ...] = ()
    exits: tuple[Exit, ...] = ()
    limits: tuple[Limit, ...] = ()
    openings: tuple[Opening, ...] = ()
    exclusive: bool = False
    ssh_ports: tuple[int, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether a host without any rules would let through more than this."""
        return self.exclusive or bool(self.limits or self.exits) or any(not guard.public for guard in self.guards)

    def spec(self) -> Mapping[str, Value]:
        """As the resource's spec and the record on the host have it."""
        frozen: Mapping[str, Value] = _frozen(self)
        return frozen


def _frozen(value: object) -> Any:
    """A dataclass as a read-only mapping; what is frozen already is shared, as many hosts may have the same peers."""
    if is_dataclass(value):
        return MappingProxyType({field.name: _frozen(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return tuple(_frozen(one) for one in value)
    return value


def ruleset_of(spec: Mapping[str, Any]) -> Ruleset:
    """The ruleset in a spec.

    Raises:
        KeyError, TypeError: it is none.
    """
    return Ruleset(
        guards=tuple(_guard(one) for one in spec["guards"]),
        exits=tuple(_exit(one) for one in spec["exits"]),
        limits=tuple(_limit(one) for one in spec["limits"]),
        openings=tuple(Opening(**_tuples(one)) for one in spec["openings"]),
        exclusive=bool(spec["exclusive"]),
        ssh_ports=tuple(spec["ssh_ports"]),
    )


def _guard(value: Mapping[str, Any]) -> Guard:
    allowed = tuple(Allowance(**_tuples(one)) for one in value["allowed"])
    return Guard(**{**value, "allowed": allowed})


def _exit(value: Mapping[str, Any]) -> Exit:
    ends = tuple((address, port) for address, port in value["ends"])
    return Exit(value["protocol"], ends, tuple(value["containers"]), value["why"])


def _limit(value: Mapping[str, Any]) -> Limit:
    allowed = tuple(Target(**_tuples(one)) for one in value["allowed"])
    return Limit(value["instance"], tuple(value["containers"]), allowed)


def _tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(item) if isinstance(item, list | tuple) else item for key, item in value.items()}


def united(found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """All of them once, sorted."""
    return tuple(sorted({item for some in found for item in some}))
