"""Whether an instance serves: real sockets, and a clock that the test winds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from trellis.health import Answer, Check, HealthState, ask, check_from, state_of, wait_until_healthy
from trellis.hosts import Completed, Host
from trellis.values import freeze_mapping
from trellis_local.session import LocalSession

SESSION = LocalSession(Host("here"))
Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(behave: Behave) -> AsyncIterator[int]:
    """A server on a free port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def says(answer: bytes) -> Behave:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return behave


async def nothing(argv: Sequence[str]) -> Completed:
    raise AssertionError(argv)


@pytest.mark.parametrize(
    ("answer", "healthy", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True, "/healthz answers 200"),
        (b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", True, "/healthz answers 302"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", True, "/healthz answers 204"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", False, "/healthz answers 503"),
        (b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", False, "/healthz answers 404"),
        (b"+OK redis\r\n", False, "/healthz did not answer in HTTP: "),
        (b"", False, "/healthz closed the connection without an answer"),
        (b"HTTP/1.1 200", False, "/healthz did not answer in HTTP: it closed the connection after 12 bytes"),
    ],
)
async def test_http(answer: bytes, healthy: bool, detail: str) -> None:  # noqa: FBT001 - a parameter of the test
    async with served(says(answer)) as port:
        told = await ask(Check("http", port=port, path="/healthz"), SESSION, nothing)
    assert told.healthy is healthy
    assert told.detail.startswith(detail)


async def test_http_asks_for_the_path_as_any_client_would() -> None:
    asked = bytearray()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with served(behave) as port:
        await ask(Check("http", port=port, path="/healthz?full=1"), SESSION, nothing)
    assert asked.startswith(b"GET /healthz?full=1 HTTP/1.1\r\n")
    assert b"Host: localhost\r\n" in asked


async def test_a_connection_that_is_closed_without_an_answer() -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hangs up."""

    async with served(behave) as port:
        for kind in ("http", "tcp"):
            assert not (await ask(Check(kind, port=port), SESSION, nothing)).healthy  # type: ignore[arg-type]  # both are kinds


async def test_tcp_that_speaks_first_and_tcp_that_waits() -> None:
    async def greets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")

    async def waits(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    for behave in (greets, waits):
        async with served(behave) as port:
            assert (await ask(Check("tcp", port=port), SESSION, nothing)).healthy


async def test_nobody_listens() -> None:
    told = await ask(Check("http", port=1, path="/"), SESSION, nothing)
    assert told == Answer(healthy=False, detail="127.0.0.1:1: connection refused")


@pytest.mark.parametrize(("status", "healthy"), [(0, True), (3, False)])
async def test_a_command_is_run_in_the_instance(status: int, healthy: bool) -> None:  # noqa: FBT001 - as above
    async def execute(argv: Sequence[str]) -> Completed:
        return Completed(tuple(argv), status, "", "first\nno route to database\n")

    told = await ask(Check("command", argv=("pg_isready", "-q")), SESSION, execute)
    assert told == Answer(healthy, f"the command pg_isready ended with {status}: no route to database")


class WoundClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def looks(*answers: Answer) -> Callable[[], Awaitable[Answer]]:
    """Gives one after the other, and the last one from then on."""
    left = list(answers)

    async def look() -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return look


NOT_YET = Answer(healthy=False, detail="/healthz answers 503")
WELL = Answer(healthy=True, detail="/healthz answers 200")


async def test_it_waits_and_tells_each_thing_once() -> None:
    clock, said = WoundClock(), list[str]()
    refused = Answer(healthy=False, detail="connection refused")
    look = looks(refused, refused, NOT_YET, NOT_YET, WELL)
    assert await wait_until_healthy(look, deadline=60, interval=0.5, report=said.append, clock=clock) == WELL
    assert said == ["waiting: connection refused", "waiting: /healthz answers 503"]
    assert clock.time == pytest.approx(0.05 + 0.1 + 0.2 + 0.4)


async def test_it_gives_up_at_the_deadline_with_the_last_answer() -> None:
    clock = WoundClock()
    assert await wait_until_healthy(looks(NOT_YET), deadline=5, interval=0.5, clock=clock) == NOT_YET
    assert 5 <= clock.time <= 5.5


async def test_a_final_answer_ends_the_wait_at_once() -> None:
    clock, ended = WoundClock(), Answer(healthy=False, detail="ended", final=True)
    assert await wait_until_healthy(looks(ended), deadline=60, clock=clock) == ended
    assert clock.time == 0


async def test_a_deadline_that_has_passed_still_gets_one_look() -> None:
    assert await wait_until_healthy(looks(WELL), deadline=-1, clock=WoundClock()) == WELL


@pytest.mark.parametrize(
    ("answer", "age", "word"),
    [(None, 0, "none"), (WELL, 0, "healthy"), (NOT_YET, 59, "starting"), (NOT_YET, 60, "unhealthy")],
)
def test_the_word_for_an_answer(answer: Answer | None, age: float, word: HealthState) -> None:
    assert state_of(answer, age=age, timeout=60) == word


def test_a_check_is_read_from_a_container_s_spec() -> None:
    assert check_from(None) is None
    assert check_from({}) is None
    health = {"kind": "http", "endpoint": "http", "address": "10.0.0.1", "port": 80, "path": "/h", "argv": []}
    assert check_from(freeze_mapping(health)) == Check("http", "10.0.0.1", 80, "/h")
    assert check_from(freeze_mapping({"kind": "command", "argv": ["a", "b"], "timeout": 5, "port": None})) == Check(
        "command", argv=("a", "b"), timeout=5
    )
