"""Answers quickly, slowly, and over websockets; when it is asked to stop, what is under way is finished."""

import asyncio
import base64
import hashlib
import os
import signal
import time
from urllib.parse import parse_qs, urlsplit

VERSION = os.environ.get("VERSION", "unknown")
INSTANCE = os.environ.get("INSTANCE", "unknown")
STARTED = time.monotonic()
UPGRADE = (
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n"
)
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

stopping = asyncio.Event()
under_way: set[asyncio.Task[None]] = set()


async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while not stopping.is_set() and (head := await head_of(reader)):
            task = asyncio.ensure_future(answer(head, reader, writer))
            under_way.add(task)
            try:
                await asyncio.shield(task)
            finally:
                under_way.discard(task)
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def head_of(reader: asyncio.StreamReader) -> list[str]:
    """An idle connection ends when the server stops."""
    asked, stop = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n")), asyncio.ensure_future(stopping.wait())
    await asyncio.wait((asked, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not asked.done():
        asked.cancel()
        return []
    return asked.result().decode().split("\r\n")


async def answer(head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    url = urlsplit(head[0].split()[1])
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if url.path == "/ws":
        await echo(headers["sec-websocket-key"], reader, writer)
        return
    if url.path == "/slow":
        await asyncio.sleep(float(parse_qs(url.query)["seconds"][0]))
    await reply(writer, 503 if url.path == "/healthz" and unhealthy() else 200, len(body))


def unhealthy() -> bool:
    return VERSION == "unhealthy" or (VERSION == "fading" and time.monotonic() - STARTED > 3)


async def reply(writer: asyncio.StreamWriter, status: int, length: int) -> None:
    text = f"version {VERSION} instance {INSTANCE} body {length}\n"
    close = "Connection: close\r\n" if stopping.is_set() else ""
    writer.write(f"HTTP/1.1 {status} OK\r\nContent-Length: {len(text)}\r\n{close}\r\n{text}".encode())
    await writer.drain()


async def echo(key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()  # noqa: S324 - RFC 6455 says so
    writer.write(UPGRADE.format(accept).encode())
    while some := await reader.read(4096):
        writer.write(some)
        await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(connection, "0.0.0.0", 8080, backlog=256)  # noqa: S104 - of its container
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    server.close()
    if under_way:
        await asyncio.wait(under_way, timeout=8)


asyncio.run(main())
