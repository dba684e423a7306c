"""Asks a running worker which configuration it has loaded."""

import asyncio
from collections.abc import Iterable

from trellis.hosts import HostSession
from trellis_haproxy.config import ASK
from trellis_haproxy.facts import loaded_digest

_TIMEOUT = 2.0
_MOST_BYTES = 4096
_BETWEEN_QUESTIONS = 0.05
_QUESTION = f"GET / HTTP/1.0\r\nHost: {ASK}\r\n\r\n".encode()


async def loaded(session: HostSession, container: str, ports: Iterable[int]) -> str:
    """The digest of what the worker has that takes new connections; empty when none answers at these ports.

    The question goes to the ports that serve the sites, as only their answer says what visitors get.
    """
    for port in ports:
        try:
            answer = await asyncio.wait_for(_ask(session, port), _TIMEOUT)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            continue
        if digest := loaded_digest(answer, container):
            return digest
    return ""


async def wait_until_loaded(
    session: HostSession, container: str, ports: Iterable[int], digest: str, seconds: float
) -> bool:
    """Whether a worker with that configuration answered in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while await loaded(session, container, ports) != digest:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_BETWEEN_QUESTIONS)
    return True


async def _ask(session: HostSession, port: int) -> str:
    reader, writer = await session.open_connection("127.0.0.1", port)
    try:
        writer.write(_QUESTION)
        await writer.drain()
        answer = b""
        while len(answer) < _MOST_BYTES and (some := await reader.read(_MOST_BYTES)):
            answer += some
        return answer.decode(errors="replace")
    finally:
        writer.close()
