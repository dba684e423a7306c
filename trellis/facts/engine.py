"""Asks a host's Docker Engine about itself, by the way on which Trellis reaches it anyway."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trellis.errors import NotAuthorisedError, TrellisError, UnreachableError
from trellis.hosts import HostSession

_TIMEOUT = 10.0
# Of HTTP 1.0, so that the answer comes in one piece and the connection ends with it.
_QUESTION = b"GET /info HTTP/1.0\r\nHost: docker\r\n\r\n"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says.

    Attributes:
        version: ``20.10.24``; empty when it could not be asked.
        root: where it keeps its data.
        denied: the account may not ask it.
    """

    version: str = ""
    root: str = ""
    denied: bool = False


async def ask_engine(session: HostSession) -> EngineFacts:
    """What the host's engine says; nothing when there is none or it does not answer.

    Raises:
        UnreachableError: the host does not answer.
    """
    try:
        info = await _info(await session.docker_url())
    except UnreachableError:
        raise
    except NotAuthorisedError:
        return EngineFacts(denied=True)
    except (TrellisError, OSError, TimeoutError, ValueError):
        return EngineFacts()
    return EngineFacts(str(info.get("ServerVersion", "")), str(info.get("DockerRootDir", "")))


async def _info(url: str) -> Mapping[str, object]:
    parts = urlsplit(url)
    async with asyncio.timeout(_TIMEOUT):
        if parts.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(parts.path)
        else:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write(_QUESTION)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
            await writer.wait_closed()
    found: Mapping[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found
