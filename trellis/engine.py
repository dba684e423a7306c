"""Asks a Docker Engine over its socket, one connection for all; importing the SDK takes longer than the questions."""

import asyncio
import json
import os
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlencode, urlsplit

from trellis.hosts import HostSession

_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """What the engine answered: an HTTP status, a body, and the name that it gives itself, ``Docker/20.10 (linux)``."""

    status: int
    body: bytes
    server: str = ""

    def json(self) -> Any:
        """The body's JSON value. Raises `ValueError` when it is none."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What the engine says went wrong."""
        try:
            return str(self.json()["message"])
        except (ValueError, KeyError, TypeError):
            return self.body.decode(errors="replace").strip() or f"HTTP {self.status}"


@runtime_checkable
class OpensEngine(Protocol):
    """A session with a way to its engine that is shorter than a socket on this machine."""

    async def open_engine(self) -> tuple[StreamReader, StreamWriter]:
        """A connection to the host's engine; raises what `trellis.hosts.HostSession.docker_url` does."""


class EngineConnection:
    """A connection to an engine, opened when first needed; questions that are asked together travel together.

    Requests are pipelined (RFC 9112, 9.3.2), so that on a slow line ten questions take hardly longer than one.

    Attributes:
        api_version: the newest that the engine knows, ``1.41``; empty before it has answered.

    Args:
        session: of the engine's host.
        timeout: seconds that an answer may take.
    """

    def __init__(self, session: HostSession, timeout: float = 60.0) -> None:
        self.api_version = ""
        self._session = session
        self._timeout = timeout
        self._opening = asyncio.Lock()
        self._reading = asyncio.Lock()  # first come, first served: answers come in the order of the questions
        self._streams: tuple[StreamReader, StreamWriter] | None = None
        self._rest = b""

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout: float | None = None,
    ) -> EngineAnswer:
        """One question and its answer.

        Args:
            method: ``GET`` and the like.
            path: what is asked, its parts quoted.
            query: what stands behind the question mark.
            body: JSON that is sent along.
            timeout: seconds that this answer may take, where it is not the connection's usual time.

        Raises:
            OSError: the engine does not answer; also as `TimeoutError`, and when what it says is not HTTP.
            TrellisError: there is no engine, the account may not use it, or the host does not answer.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        async with asyncio.timeout(self._timeout if timeout is None else timeout):
            reader, writer = await self._connected()
            try:
                return await self._exchange(method, target, body, reader, writer)
            except BaseException:
                self._drop(writer)
                raise

    async def _exchange(
        self, method: str, target: str, body: bytes, reader: StreamReader, writer: StreamWriter
    ) -> EngineAnswer:
        import h11

        mine = h11.Connection(our_role=h11.CLIENT)
        headers = [("Host", "docker"), ("User-Agent", "trellis"), ("Content-Length", str(len(body)))]
        headers += [("Content-Type", "application/json")] if body else []
        request = mine.send(h11.Request(method=method, target=target, headers=headers)) or b""
        content = (mine.send(h11.Data(data=body)) or b"") if body else b""
        writer.write(request + content + (mine.send(h11.EndOfMessage()) or b""))
        async with self._reading:  # taken before anybody else can write
            await writer.drain()
            return await self._read(mine, reader)

    async def _read(self, mine: Any, reader: StreamReader) -> EngineAnswer:
        import h11

        status, body, server = 0, b"", ""
        if self._rest:  # nothing at all would mean the end
            mine.receive_data(self._rest)
        try:
            while not isinstance(event := mine.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    mine.receive_data(await reader.read(_CHUNK))
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    headers = dict(event.headers)
                    server = headers.get(b"server", b"").decode()
                    self.api_version = headers.get(b"api-version", b"").decode()
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.ConnectionClosed):
                    raise ConnectionResetError("the connection was closed")
        except h11.RemoteProtocolError as error:
            raise ConnectionError(f"the answer is not HTTP: {error}") from error
        self._rest = bytes(mine.trailing_data[0])
        return EngineAnswer(status, body, server)

    async def _connected(self) -> tuple[StreamReader, StreamWriter]:
        async with self._opening:
            if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
                self._streams, self._rest = await _open(self._session), b""
            return self._streams

    def _drop(self, writer: StreamWriter) -> None:
        """After a failure nobody knows whose answer comes next."""
        writer.close()
        if self._streams is not None and self._streams[1] is writer:
            self._streams = None

    async def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            try:
                await asyncio.wait_for(writer.wait_closed(), 1.0)
            except (OSError, TimeoutError):
                return


async def _open(session: HostSession) -> tuple[StreamReader, StreamWriter]:
    if isinstance(session, OpensEngine):
        return await session.open_engine()
    return await open_url(await session.docker_url())


async def open_url(url: str) -> tuple[StreamReader, StreamWriter]:
    """A connection to what ``unix:///…`` or ``tcp://…`` names."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(parts.path)
    return await asyncio.open_connection(parts.hostname, parts.port, ssl=_tls(url))


def _tls(url: str) -> ssl.SSLContext | None:
    """``DOCKER_HOST`` comes with its own settings of TLS: https://docs.docker.com/engine/security/protect-access/."""
    if url != os.environ.get("DOCKER_HOST") or not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    folder = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
