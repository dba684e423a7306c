"""Asks a host's Docker Engine about itself, by the way on which Trellis reaches it anyway."""

from collections.abc import Mapping
from dataclasses import dataclass

from trellis.engine import EngineConnection
from trellis.errors import EngineSilentError, NotAuthorisedError, TrellisError, UnreachableError
from trellis.hosts import HostSession

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says.

    Attributes:
        version: ``20.10.24``; empty when it could not be asked.
        root: where it keeps its data; empty when it was not asked.
        denied: the account may not ask it.
    """

    version: str = ""
    root: str = ""
    denied: bool = False


async def ask_engine(session: HostSession, *, about_data: bool) -> EngineFacts:
    """What the host's engine says; nothing when there is none or it does not answer.

    Args:
        session: the host's.
        about_data: ask where it keeps its data as well, for which an engine runs other programs.

    Raises:
        UnreachableError: the host does not answer.
    """
    try:
        return await _facts(session, about_data=about_data)
    except EngineSilentError:
        return EngineFacts()
    except UnreachableError:
        raise
    except NotAuthorisedError:
        return EngineFacts(denied=True)
    except (TrellisError, OSError, ValueError):
        return EngineFacts()


async def _facts(session: HostSession, *, about_data: bool) -> EngineFacts:
    connection = EngineConnection(session, _TIMEOUT)
    try:
        if not about_data:
            return EngineFacts(_version((await connection.ask("GET", "/_ping")).server))
        info: Mapping[str, object] = (await connection.ask("GET", "/info")).json()
        return EngineFacts(str(info.get("ServerVersion", "")), str(info.get("DockerRootDir", "")))
    finally:
        await connection.close()


def _version(server: str) -> str:
    """``Docker/20.10.24 (linux)`` as its version.

    Raises:
        ValueError: it is none.
    """
    name, _, rest = server.partition("/")
    if name != "Docker" or not rest:
        raise ValueError(f"{server!r} is not Docker's")
    return rest.partition(" ")[0]
