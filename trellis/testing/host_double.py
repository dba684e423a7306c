"""A host that is not there: it answers what a test tells it to, and remembers what it was asked."""

from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from dataclasses import dataclass, field

from trellis.errors import TrellisError, UnreachableError
from trellis.hosts import Completed, Host


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that the host was asked to run."""

    argv: tuple[str, ...]
    stdin: bytes
    sudo: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    start: tuple[str, ...]
    completed: Completed


@dataclass
class HostDouble:
    """A `trellis.hosts.HostSession` for tests of what a plugin asks; use a lab for what a host does.

    A command that no answer was given for is an error, so that a test notices a new one.

    Attributes:
        host: whom it stands for.
        asked: every command, in order.
        reachable: False makes every command fail as on a host that is gone.
    """

    host: Host = field(default_factory=lambda: Host("h1"))
    asked: list[Asked] = field(default_factory=list)
    reachable: bool = True
    _answers: list[_Answer] = field(default_factory=list)

    def answer(self, *start: str, stdout: str = "", stderr: str = "", status: int = 0) -> "HostDouble":
        """Answer commands that begin with these words; later answers come first."""
        self._answers.insert(0, _Answer(start, Completed(start, status, stdout, stderr)))
        return self

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        """See `trellis.hosts.HostSession.run`."""
        if not self.reachable:
            raise UnreachableError(f"{self.host.name} stopped answering")
        words = tuple(argv)
        self.asked.append(Asked(words, stdin, sudo))
        for one in self._answers:
            if words[: len(one.start)] == one.start:
                return Completed(words, one.completed.status, one.completed.stdout, one.completed.stderr)
        raise AssertionError(f"no answer was given for {' '.join(words)!r} (time-out {timeout:g} s)")

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """Refused: nothing listens on a host that is not there."""
        raise ConnectionRefusedError(f"{address}:{port}")

    async def docker_url(self) -> str:
        """Refused: there is no engine."""
        raise TrellisError(f"there is no Docker Engine on {self.host.name}")

    async def close(self) -> None:
        """Nothing is held open."""

    __hash__ = object.__hash__
