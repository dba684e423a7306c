"""Tells whether an instance serves: asks it over http, tcp or by a command, once or until a deadline."""

import asyncio
import os
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never, cast

from trellis.hosts import Completed, HostSession
from trellis.values import Value

HealthState = Literal["healthy", "starting", "unhealthy", "none"]

ASK_TIMEOUT = 5.0
"""Seconds that one question may take."""

QUIET_IS_OPEN = 0.25
"""Seconds after which a tcp connection that is neither answered nor closed counts as served.

Docker's proxy accepts first and closes as soon as it finds nobody behind the port.
"""


_FIRST_PAUSE = 0.05
"""Seconds between the first two looks; it doubles up to the interval."""


@dataclass(frozen=True, slots=True)
class Check:
    """How to tell that an instance serves.

    Attributes:
        kind: ``http``, ``tcp`` or ``command``.
        address: where it is asked, as seen from its host.
        port: likewise.
        path: for ``http``.
        argv: for ``command``; status 0 is healthy.
        timeout: seconds that a new instance has to become healthy.
        interval: seconds between two looks.
    """

    kind: Literal["http", "tcp", "command"]
    address: str = "127.0.0.1"
    port: int = 0
    path: str = "/"
    argv: tuple[str, ...] = ()
    timeout: float = 60.0
    interval: float = 0.5

    def __str__(self) -> str:
        """What is asked: ``/healthz``, ``port 20001``, ``the command pg_isready``."""
        match self.kind:
            case "http":
                return self.path
            case "tcp":
                return f"port {self.port}"
            case "command":
                return f"the command {self.argv[0]}"
        assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `detail` says what, as a part of a sentence; `final` when asking again cannot help."""

    healthy: bool
    detail: str
    final: bool = False


class Clock(Protocol):
    """Time that passes; tests bring their own."""

    def now(self) -> float:
        """Seconds since some moment."""

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


Execute = Callable[[Sequence[str]], Awaitable[Completed]]
"""Runs a command inside the instance."""


def check_from(health: Mapping[str, Value] | None) -> Check | None:
    """The check that a container's ``spec["health"]`` describes; None when there is none."""
    if not health:
        return None
    given = {name: health[name] for name in Check.__slots__ if health.get(name) is not None}
    return Check(**cast("dict[str, object]", given))  # type: ignore[arg-type]  # the spec was typed when it was made


async def ask(check: Check, session: HostSession, execute: Execute) -> Answer:
    """One question, answered within `ASK_TIMEOUT` seconds; never raises for an instance that does not serve."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT):
            return await _ask(check, session, execute)
    except TimeoutError:
        return Answer(healthy=False, detail=f"no answer from {check} within {ASK_TIMEOUT:g} s")
    except OSError as error:
        return Answer(healthy=False, detail=f"{check.address}:{check.port}: {_sentence(error)}")


async def wait_until_healthy(
    look: Callable[[], Awaitable[Answer]],
    *,
    deadline: float,
    interval: float = 0.5,
    report: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> Answer:
    """Look again and again until the answer is healthy or final, or the deadline has passed; the last answer.

    Args:
        look: asks once.
        deadline: on the clock, in seconds; one look is made even when it has passed.
        interval: seconds between two looks; the first ones come closer together, as most instances start fast.
        report: told each answer that differs from the one before.
        clock: time; the machine's when None.
    """
    clock = clock or SystemClock()
    said = ""
    pause = _FIRST_PAUSE
    while True:
        answer = await look()
        if answer.healthy or answer.final or clock.now() >= deadline:
            return answer
        if answer.detail != said:
            said = answer.detail
            report(f"waiting: {said}")
        await clock.sleep(min(pause, interval))
        pause *= 2


def state_of(answer: Answer | None, *, age: float, timeout: float) -> HealthState:
    """The word for an answer: an instance that does not serve yet is starting until its `timeout` has passed.

    Args:
        answer: None when the instance has no check.
        age: seconds since it started.
        timeout: seconds that a new instance has to become healthy.
    """
    if answer is None:
        return "none"
    if answer.healthy:
        return "healthy"
    return "starting" if age < timeout else "unhealthy"


async def _ask(check: Check, session: HostSession, execute: Execute) -> Answer:
    match check.kind:
        case "command":
            return _judged_command(check, await execute(check.argv))
        case "tcp":
            return await _connected(check, session, _stays_open)
        case "http":
            return await _connected(check, session, _get)
    assert_never(check.kind)


def _judged_command(check: Check, ended: Completed) -> Answer:
    said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
    detail = f"{check} ended with {ended.status}" + (f": {said[-1]}" if said else "")
    return Answer(healthy=ended.status == 0, detail=detail)


_Exchange = Callable[[Check, StreamReader, StreamWriter], Awaitable[Answer]]


async def _connected(check: Check, session: HostSession, exchange: _Exchange) -> Answer:
    reader, writer = await session.open_connection(check.address, check.port)
    try:
        return await exchange(check, reader, writer)
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            # Someone who does not close his side must not hold the check up.
            await asyncio.wait_for(writer.wait_closed(), 1.0)


async def _stays_open(check: Check, reader: StreamReader, writer: StreamWriter) -> Answer:  # noqa: ARG001 - an _Exchange
    try:
        async with asyncio.timeout(QUIET_IS_OPEN):
            spoke = await reader.read(1)
    except TimeoutError:
        return Answer(healthy=True, detail=f"{check} is open")
    detail = f"{check} answers" if spoke else f"{check} is closed at once: nobody listens behind it"
    return Answer(healthy=bool(spoke), detail=detail)


async def _get(check: Check, reader: StreamReader, writer: StreamWriter) -> Answer:
    import h11

    client = h11.Connection(our_role=h11.CLIENT)
    headers = [("Host", "localhost"), ("User-Agent", "trellis"), ("Accept", "*/*"), ("Connection", "close")]
    writer.write(client.send(h11.Request(method="GET", target=check.path, headers=headers)) or b"")
    await writer.drain()
    got = 0
    try:
        while isinstance(event := client.next_event(), h11.InformationalResponse) or event is h11.NEED_DATA:
            if event is h11.NEED_DATA:
                if not (received := await reader.read(65536)):
                    return _hung_up(check, got)
                got += len(received)
                client.receive_data(received)
    except h11.RemoteProtocolError as error:
        return Answer(healthy=False, detail=f"{check} did not answer in HTTP: {error}")
    if isinstance(event, h11.Response):
        return Answer(healthy=200 <= event.status_code < 400, detail=f"{check} answers {event.status_code}")
    return Answer(healthy=False, detail=f"{check} did not answer in HTTP")


def _sentence(error: OSError) -> str:
    """``connection refused``; asyncio puts its own words where the system's belong."""
    return (os.strerror(error.errno) if error.errno else str(error) or type(error).__name__).lower()


def _hung_up(check: Check, got: int) -> Answer:
    """What a connection that was closed before the end of an answer tells."""
    if not got:
        return Answer(healthy=False, detail=f"{check} closed the connection without an answer")
    return Answer(healthy=False, detail=f"{check} did not answer in HTTP: it closed the connection after {got} bytes")
