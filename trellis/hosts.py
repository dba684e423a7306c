"""Hosts, what is known about them, and an open session on one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from trellis.errors import ConfigError
from trellis.placing.model import Capacity
from trellis_dsl.secret import Secret

if TYPE_CHECKING:  # every start of the command line imports this module, and asyncio takes a tenth of it
    from asyncio import StreamReader, StreamWriter


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of an environment, as its file describes it.

    Attributes:
        name: its name in the environment.
        connect: how to reach it, a URL: ``local://``, ``ssh://user@address:22``.
        address: the address at which the other hosts reach it.
        roles: roles that it carries.
        labels: label key to value.
        options: connector options (``identity_file``, ``jump``…) as the environment file gives them.
        secrets: values of the options that name a secret (``sudo_password``), by option; filled in before connecting.
        draining: what runs there is to be planned away, and nothing new goes there.
        exclusive: its firewall closes whatever the stack does not open.
        secrets_at_boot: it keeps an encrypted copy of its secret files, and puts them back by itself when it boots.
        capacity: the most that the stack may use there, whatever the host has; None where nothing was said.
    """

    name: str
    connect: str = "local://"
    address: str = "127.0.0.1"
    roles: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    draining: bool = False
    exclusive: bool = False
    secrets_at_boot: bool = False
    capacity: Capacity = Capacity()


def needs_secrets(hosts: Iterable[Host]) -> bool:
    """Whether any of the hosts is reached with a secret."""
    return any(names_secret(option) for host in hosts for option in host.options)


def names_secret(option: str) -> bool:
    """Whether an option's value is the name of a secret."""
    return option.endswith(("_password", "_secret"))


def with_secrets(host: Host, known: Mapping[str, Secret]) -> Host:
    """The host with the secrets that its options name: those that end in ``_password`` or ``_secret`` name one.

    Args:
        host: as the environment file describes it.
        known: the environment's secrets by key.

    Raises:
        ConfigError: an option names a secret that is not set.
    """
    found: dict[str, Secret] = {}
    for option, key in host.options.items():
        if not names_secret(option):
            continue
        if key not in known:
            where = f"hosts.{host.name}.options.{option}"
            raise ConfigError(f"there is no secret {key}", where=where, hint=f"trellis secret set {key}")
        found[option] = known[key]
    return replace(host, secrets=found) if found else host


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended: its exit status and what it printed, as bytes decoded with replacement."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str


class HostSession(Protocol):
    """An open connection to one host; made by a connector, used by providers, closed by the engine.

    Every method raises `UnreachableError` when the host stops answering.
    """

    @property
    def host(self) -> Host:
        """The host."""

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        """Run a command; data reaches it as arguments or on standard input, never inside a script's text.

        Args:
            argv: the command and its arguments; no shell reads them.
            stdin: what it reads from standard input.
            sudo: run it as root, when the account is not root already.
            timeout: seconds after which it is ended and `TimedOutError` raised.

        Returns:
            how it ended; a status other than 0 is not an error here.
        """

    async def open_connection(self, address: str, port: int) -> "tuple[StreamReader, StreamWriter]":
        """A TCP connection made from that host. Raises `OSError` when it is refused."""

    async def docker_url(self) -> str:
        """A URL at which this process reaches the host's Docker Engine, ``unix:///…``.

        Raises:
            TrellisError: there is no engine, or the account may not use it; the hint says what to do.
        """

    async def close(self) -> None:
        """End the connection; may be called twice."""


@dataclass(frozen=True, slots=True)
class ForeignUse:
    """What containers and processes that are not this stack's take on a host: cores, bytes, (protocol, port)."""

    cpu: float = 0.0
    memory: int = 0
    ports: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface with its addresses.

    Attributes:
        name: ``eth0``.
        addresses: with prefix length, ``10.0.0.11/24``.
        internet_facing: one of them is routed on the internet.
        default_route: what has no other way goes out here.
    """

    name: str
    addresses: tuple[str, ...]
    internet_facing: bool = False
    default_route: bool = False


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What was observed about a host.

    Attributes:
        cpus: cores that its processes may use (the smaller of machine and cgroup limit).
        memory: bytes of RAM, likewise.
        disk: bytes free where the engine keeps its data.
        os: ``debian 12`` and the like.
        kernel: release.
        docker: the engine's version, empty when there is none.
        data_dir: an absolute folder where Trellis keeps its files on that host.
        account: who Trellis is there, with ``root``, ``sudo`` or ``plain``.
        foreign: what others use.
        interfaces: those that have an address, by name.
        listening: (protocol, port) pairs on which anything listens, Trellis's own included.
        extra: more facts by name, from plugins and the scan.
    """

    cpus: float | None = None
    memory: int | None = None
    disk: int | None = None
    os: str = ""
    kernel: str = ""
    docker: str = ""
    data_dir: str = "/var/lib/trellis"
    account: str = ""
    foreign: ForeignUse = ForeignUse()
    interfaces: tuple[Interface, ...] = ()
    listening: frozenset[tuple[str, int]] = frozenset()
    extra: Mapping[str, str] = field(default_factory=dict)
