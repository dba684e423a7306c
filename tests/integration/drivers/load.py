"""A load of visitors: kept and new connections, slow answers, bodies, websockets; it counts what fails."""

import asyncio
import base64
import os
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

_TIMEOUT = 30.0
_BETWEEN = 0.01

Address = tuple[str, int]


@dataclass
class Load:
    """Visitors of one site at several proxies, in a thread of their own until `end`.

    Attributes:
        proxies: where they go.
        domain: the site.
        seconds: that a slow answer takes.
        trusting: whom visitors trust; they come over TLS when it says so.
        answered: good answers by kind of visitor.
        failures: everything else, as sentences.
        closed: websockets that the other side ended; they are opened again.
    """

    proxies: Sequence[Address]
    domain: str
    seconds: float = 3.0
    trusting: ssl.SSLContext | None = None
    answered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    closed: int = 0
    versions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ending = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let every visitor finish its request, and stop."""
        self._ending.set()
        self._thread.join(60)

    def wait_for(self, count: int) -> None:
        """Until so many more requests of every kind have been answered, or one failed."""
        before = self.answered.copy()
        poll = Event()
        for _ in range(6000):
            if self.failures or all(self.answered[kind] - before[kind] >= count for kind in ("kept", "new", "body")):
                return
            poll.wait(0.01)
        raise AssertionError(f"the load stands still: {self.answered}")

    async def _run(self) -> None:
        kinds: dict[str, Callable[[Address], Awaitable[None]]] = {
            "kept": self._kept,
            "new": self._new,
            "body": self._body,
            "slow": self._slow,
            "websocket": self._websocket,
        }
        visitors = [self._visitor(kind, visit, proxy) for proxy in self.proxies for kind, visit in kinds.items()]
        await asyncio.gather(*visitors)

    async def _visitor(self, kind: str, visit: Callable[[Address], Awaitable[None]], proxy: Address) -> None:
        while not self._ending.is_set():
            try:
                await asyncio.wait_for(visit(proxy), 600)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self.failures.append(f"{kind} at {proxy[0]}: {error!r}")
            await asyncio.sleep(_BETWEEN)

    async def _open(self, proxy: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = self.domain if self.trusting else None
        return await asyncio.open_connection(*proxy, ssl=self.trusting, server_hostname=name)

    async def _kept(self, proxy: Address) -> None:
        reader, writer = await self._open(proxy)
        try:
            while not self._ending.is_set():
                if not await self._ask("kept", "GET /", reader, writer):
                    return
                await asyncio.sleep(_BETWEEN)
        finally:
            writer.close()

    async def _new(self, proxy: Address) -> None:
        await self._once("new", "GET /", proxy)

    async def _body(self, proxy: Address) -> None:
        await self._once("body", "POST /", proxy, b"x" * 2000)

    async def _slow(self, proxy: Address) -> None:
        await self._once("slow", f"GET /slow?seconds={self.seconds:g}", proxy)

    async def _once(self, kind: str, what: str, proxy: Address, body: bytes = b"") -> None:
        reader, writer = await self._open(proxy)
        try:
            await self._ask(kind, what, reader, writer, body)
        finally:
            writer.close()

    async def _ask(
        self, kind: str, what: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes = b""
    ) -> bool:
        """One request; False when the connection is not kept."""
        head = f"{what} HTTP/1.1\r\nHost: {self.domain}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        status, headers = await asyncio.wait_for(_head(reader), _TIMEOUT)
        text = (await reader.readexactly(int(headers["content-length"]))).decode()
        if status == 200 and text.endswith(f"body {len(body)}\n"):
            self.answered[kind] += 1
            self.versions.add(text.split()[1])
        else:
            self.failures.append(f"{kind}: {status} {text.strip()}")
        return headers.get("connection") != "close"

    async def _websocket(self, proxy: Address) -> None:
        reader, writer = await self._open(proxy)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            upgrade = (
                f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
            )
            writer.write(f"GET /ws HTTP/1.1\r\nHost: {self.domain}\r\n{upgrade}\r\n\r\n".encode())
            status, _ = await asyncio.wait_for(_head(reader), _TIMEOUT)
            if status != 101:
                raise ValueError(f"answered {status}")
            await self._echo(reader, writer)
        finally:
            writer.close()

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self._ending.is_set():
            try:
                writer.write(b"\x82\x04ping")
                await asyncio.wait_for(reader.readexactly(6), _TIMEOUT)
            except (OSError, EOFError):
                self.closed += 1
                return
            self.answered["websocket"] += 1
            await asyncio.sleep(0.05)


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(":") for line in lines[1:])
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in pairs}
