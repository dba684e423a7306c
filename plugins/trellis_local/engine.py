"""Where this machine's Docker Engine answers."""

import asyncio
import os
from collections.abc import Mapping

from trellis.errors import NotAuthorisedError, TrellisError

_TIMEOUT = 5.0


async def find_engine(environ: Mapping[str, str]) -> str:
    """A URL at which an engine answers; ``DOCKER_HOST`` is taken at its word when it names no socket.

    Raises:
        NotAuthorisedError: this account may not use the socket.
        TrellisError: there is no engine.
    """
    chosen = environ.get("DOCKER_HOST", "")
    if chosen:
        return await _chosen_engine(chosen)
    refusal = TrellisError(
        "there is no Docker Engine",
        hint="install it (on Debian or Ubuntu: apt-get install docker.io) or set DOCKER_HOST",
    )
    for path in usual_sockets(environ, os.getuid()):
        try:
            await _connect(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            refusal = _refusal(path, error, f"{path} is there")
        else:
            return f"unix://{path}"
    raise refusal


def usual_sockets(environ: Mapping[str, str], uid: int) -> tuple[str, ...]:
    """Where engines usually listen: the system's, a rootless one's, and Docker Desktop's."""
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    home = environ.get("HOME", "")
    own = (f"{home}/.docker/run/docker.sock", f"{home}/.docker/desktop/docker.sock") if home else ()
    return ("/var/run/docker.sock", f"{runtime}/docker.sock", *own)


async def _chosen_engine(url: str) -> str:
    scheme, _, path = url.partition("://")
    if scheme == "ssh":
        raise TrellisError(
            f"DOCKER_HOST is {url}, and a local host's engine is reached by a socket or tcp",
            hint="unset DOCKER_HOST, or give the host a connect of ssh:// in the environment file",
        )
    if scheme == "unix":
        try:
            await _connect(path)
        except OSError as error:
            raise _refusal(path, error, f"DOCKER_HOST is {url}") from error
    return url


async def _connect(path: str) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), _TIMEOUT)
    writer.close()
    await writer.wait_closed()


def _refusal(path: str, error: OSError, start: str) -> TrellisError:
    if isinstance(error, PermissionError):
        return NotAuthorisedError(
            f"{start}, and this account may not use the Docker Engine at {path}",
            hint="sudo usermod -aG docker $(id -un), then log in again",
        )
    return TrellisError(
        f"{start}, and no Docker Engine answers there: {(error.strerror or 'it took too long').lower()}",
        hint="start it: sudo systemctl start docker",
    )
