"""Ports that services listen on, the connections to them, and how health is told."""

from dataclasses import dataclass, field
from typing import Literal, overload

from trellis_dsl.arguments import typed
from trellis_dsl.config import service_name
from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller

HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Health:
    """How to tell that an instance serves; `http`, `tcp` and `command` make one.

    Attributes:
        kind: what is asked.
        path: for ``http``.
        argv: for ``command``.
        timeout: seconds that a new instance has to become healthy.
        interval: seconds between two looks.
    """

    kind: Literal["http", "tcp", "command"]
    path: str = ""
    argv: tuple[str, ...] = ()
    timeout: float = 60.0
    interval: float = 0.5


@typed()
def http(path: str, *, timeout: float = 60.0, interval: float = 0.5) -> Health:
    """Healthy when a GET of `path` answers with a status from 200 to 399."""
    if not path.startswith("/"):
        raise StackError(f"health path {path!r} does not start with /", where=caller())
    return Health("http", path=path, timeout=timeout, interval=interval)


@typed()
def tcp(*, timeout: float = 60.0, interval: float = 0.5) -> Health:
    """Healthy when a connection is accepted and kept open."""
    return Health("tcp", timeout=timeout, interval=interval)


@typed()
def command(*argv: str, timeout: float = 60.0, interval: float = 0.5) -> Health:
    """Healthy when the command ends with status 0 inside the container."""
    if not argv:
        raise StackError("a health command needs at least one word", where=caller())
    return Health("command", argv=argv, timeout=timeout, interval=interval)


@dataclass(frozen=True)
class Address:
    """Where one endpoint of one instance answers."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """``http://host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True)
class Peer:
    """The service at the other end of a connection.

    Attributes:
        host: the first instance's address; the nearest one comes first.
        port: its port.
        instances: all of them.
    """

    host: str
    port: int
    instances: list[Address] = field(default_factory=list)


@dataclass(frozen=True)
class EndpointRef:
    """A reference to an endpoint: what ``MariaDB.sql`` gives outside an instance."""

    owner: type
    name: str

    def __str__(self) -> str:
        return f"{service_name(self.owner)}.{self.name}"


@dataclass(frozen=True)
class Balanced:
    """How balancers offer an endpoint; `balanced` makes one.

    Attributes:
        port: at which every balancer listens; 0 is the endpoint's own.
        one_active: only the first healthy instance gets connections, on every balancer the same.
        timeout: seconds that a connection may be silent.
        check: a path that tells over HTTP whether an instance may get connections; empty asks whether it listens.
        check_port: in the container, where `check` is asked; 0 is the endpoint's own.
    """

    port: int = 0
    one_active: bool = False
    timeout: float = 3600.0
    check: str = ""
    check_port: int = 0


@typed()
def balanced(
    port: int = 0, *, one_active: bool = False, timeout: float = 3600.0, check: str = "", check_port: int = 0
) -> Balanced:
    """Offer a TCP endpoint on every balancer: whoever connects to it is told the nearest balancer.

    Args:
        port: at which every balancer listens; the endpoint's own without it.
        one_active: only the first healthy instance gets connections, on every balancer the same; when it fails, its
            connections are closed and the next one gets the new ones. Health decides, no controller.
        timeout: seconds that a connection may be silent.
        check: a path that answers 200 to 399 on the instance that may get connections; without it, listening is enough.
        check_port: the port in the container where `check` is asked, if it is another endpoint's.

    Raises:
        StackError: a port or a path is not one.
    """
    if not 0 <= port <= HIGHEST_PORT or not 0 <= check_port <= HIGHEST_PORT or timeout <= 0:
        raise StackError("a balanced port goes from 1 to 65535, and its timeout is above 0 s", where=caller())
    if check and not check.startswith("/"):
        raise StackError(f"check path {check!r} does not start with /", where=caller())
    return Balanced(port, one_active, timeout, check, check_port)


class Endpoint(Declaration):
    """A declared port; `listens` makes one."""

    def __init__(
        self,
        port: int,
        *,
        health: Health | None,
        protocol: Literal["tcp", "udp"],
        host_port: int | None,
        public: bool,
        tls: bool,
        balanced: Balanced | None,
    ) -> None:
        super().__init__()
        self.port = port
        self.health = health
        self.protocol = protocol
        self.host_port = host_port
        self.public = public
        self.tls = tls
        self.balanced = balanced

    @overload
    def __get__(self, obj: None, owner: type) -> EndpointRef: ...
    @overload
    def __get__(self, obj: object, owner: type) -> Address: ...
    def __get__(self, obj: object | None, owner: type) -> EndpointRef | Address:
        """A reference on the class, this instance's own address on an instance."""
        if obj is None:
            return EndpointRef(owner, self.name)
        address: Address = self.bound(obj)
        return address


@typed()
def listens(
    port: int,
    *,
    health: str | Health | None = None,
    protocol: Literal["tcp", "udp"] = "tcp",
    host_port: int | None = None,
    public: bool = False,
    tls: bool = False,
    balanced: bool | Balanced = False,
) -> Endpoint:
    """Declare a port that the service listens on inside its container.

    Args:
        port: from 1 to 65535.
        health: a path for an HTTP check, or what `http`, `tcp` or `command` made.
        protocol: ``tcp`` or ``udp``.
        host_port: the port on the host; without it Trellis chooses a free one.
        public: reachable from anywhere, not only from the environment's hosts.
        tls: a balancer's port for sites over TLS; it is there only when the stack has such a site. A class that
            declares the same name again, with another port, need not repeat it.
        balanced: offered on every balancer of the stack; True, or what `balanced` made. Whoever connects to it is told
            the nearest balancer.

    Raises:
        StackError: a port is out of range, or a path does not start with ``/``.
    """
    for number in (port, host_port):
        if number is not None and not 1 <= number <= HIGHEST_PORT:
            raise StackError(f"{number} is not a port", where=caller(), hint="ports go from 1 to 65535")
    check = http(health) if isinstance(health, str) else health
    offered = balanced if isinstance(balanced, Balanced) else Balanced() if balanced else None
    if offered and protocol != "tcp":
        raise StackError("balancers offer TCP endpoints alone", where=caller())
    return Endpoint(
        port, health=check, protocol=protocol, host_port=host_port, public=public, tls=tls, balanced=offered
    )


@dataclass(frozen=True)
class ConnectionRef:
    """A reference to a connection: what ``Website.database`` gives outside an instance."""

    owner: type
    name: str

    def __str__(self) -> str:
        return f"{service_name(self.owner)}.{self.name}"


class Connection(Declaration):
    """A declared need to reach an endpoint; `connects_to` makes one."""

    def __init__(
        self, target: EndpointRef | None, on_change: Literal["restart", "signal", "nothing"], signal: str
    ) -> None:
        super().__init__()
        self.target = target
        self.on_change = on_change
        self.signal = signal

    @overload
    def __get__(self, obj: None, owner: type) -> ConnectionRef: ...
    @overload
    def __get__(self, obj: object, owner: type) -> Peer: ...
    def __get__(self, obj: object | None, owner: type) -> ConnectionRef | Peer:
        """A reference on the class, the service's addresses on an instance."""
        if obj is None:
            return ConnectionRef(owner, self.name)
        peer: Peer = self.bound(obj)
        return peer


@typed(leaving=("endpoint",))
def connects_to(
    endpoint: EndpointRef | None = None,
    *,
    on_change: Literal["restart", "signal", "nothing"] = "restart",
    signal: str = "HUP",
) -> Connection:
    """Declare a need to reach an endpoint: a firewall path, and an address when the instance runs.

    Args:
        endpoint: such as ``MariaDB.sql``; without it the stack says later with ``stack.connect``.
        on_change: when the service at the other end comes to answer elsewhere: ``"restart"`` makes the container anew,
            ``"signal"`` sends it a signal, for programs that then read ``/etc/trellis/services.json`` again, and
            ``"nothing"`` is for those that read it before each connection.
        signal: which, for ``"signal"``.

    Raises:
        StackError: it is not an endpoint.
    """
    if endpoint is not None and not isinstance(endpoint, EndpointRef):
        raise StackError(
            f"connects_to needs an endpoint, not {_kind_of(endpoint)}",
            where=caller(),
            hint="name what another service listens on, such as MariaDB.sql",
        )
    return Connection(endpoint, on_change, signal)


def _kind_of(value: object) -> str:
    return value.__name__ if isinstance(value, type) else f"a {type(value).__name__.lower()}"
