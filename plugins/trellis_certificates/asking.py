"""Asks a running balancer which certificate it serves, and whether it answers challenges."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Iterable

from trellis.hosts import HostSession

_TIMEOUT = 5.0
_MOST_BYTES = 16384
_BETWEEN_QUESTIONS = 0.1
_LOOPBACK = "127.0.0.1"

NOTHING = "nothing"
"""The answer of a balancer that serves no certificate for the name, or no answer to challenges."""

_TOKEN = "trellis-asks"  # noqa: S105 - a made-up token, which no authority has given


async def served(session: HostSession, ports: Iterable[int], name: str) -> str:
    """SHA-256 of the certificate that visitors of a name get; `NOTHING` without one, empty when no port answers."""
    return await _first(ports, lambda port: _certificate(session, port, name))


async def answered(session: HostSession, ports: Iterable[int], name: str) -> str:
    """The thumbprint that challenges are answered with; `NOTHING` without one, empty when no port answers."""
    return await _first(ports, lambda port: _challenge(session, port, name))


async def until(expected: str, ask: Callable[[], Awaitable[str]], seconds: float) -> str:
    """The first answer that is as expected, or the last one when the time is up."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (answer := await ask()) != expected:
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(_BETWEEN_QUESTIONS)
    return answer


async def _first(ports: Iterable[int], ask: Callable[[int], Awaitable[str]]) -> str:
    for port in ports:
        try:
            return await asyncio.wait_for(ask(port), _TIMEOUT)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            continue
    return ""


async def _certificate(session: HostSession, port: int, name: str) -> str:
    """A handshake in memory, over whatever way the session has to that port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the answer is compared with the one certificate that is expected
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    reader, writer = await session.open_connection(_LOOPBACK, port)
    try:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                await writer.drain()
                some = await reader.read(_MOST_BYTES)
                if not some:
                    return NOTHING
                incoming.write(some)
    except ssl.SSLError:
        return NOTHING
    finally:
        writer.close()
    found = tls.getpeercert(binary_form=True)
    return hashlib.sha256(found).hexdigest() if found else NOTHING


async def _challenge(session: HostSession, port: int, name: str) -> str:
    question = f"GET /.well-known/acme-challenge/{_TOKEN} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()
    reader, writer = await session.open_connection(_LOOPBACK, port)
    try:
        writer.write(question)
        await writer.drain()
        answer = b""
        while len(answer) < _MOST_BYTES and (some := await reader.read(_MOST_BYTES)):
            answer += some
    finally:
        writer.close()
    _, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    token, _, thumbprint = body.strip().partition(".")
    return thumbprint if token == _TOKEN else NOTHING
