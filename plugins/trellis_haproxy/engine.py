"""Talks to the Docker Engine about a proxy's container; the only module here that needs the Docker SDK."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from trellis.errors import ApplyError, UnreachableError
from trellis.executing import exec_output
from trellis.hosts import HostSession
from trellis_haproxy.existing import NAME as EXISTING
from trellis_haproxy.model import ETC, ProxyConfig
from trellis_haproxy.runtime import SOCKET

_ASK = Path(__file__).parent / "scripts" / "ask.sh"
_TAKE = Path(__file__).parent / "scripts" / "take.sh"
_TAKEN = b"Success!"
_COMMANDS_AT_ONCE = 50
"""A command line of HAProxy's runtime API is as long as its buffer at most, 16 KiB."""

_ENDING = (126, 137)
"""Exit statuses of a command in a container that ends: it could not be started any more, or was ended with it."""

_REFUSED = b"Connection refused"
"""Its socket is still there and nobody listens: HAProxy ends, or its master starts itself anew, as in a reload."""

_TO_LISTEN = 5.0
_BETWEEN_LOOKS = 0.1

_TIMEOUT = 60
_LINES = 200
_T = TypeVar("_T")


class GoneError(ApplyError):
    """The proxy ended while it was talked to: it has no visitors, and reads its file when it starts."""


class Engine:
    """One host's engine."""

    def __init__(self, api: Any, host: str) -> None:
        self._api = api
        self._host = host

    async def running(self, container: str) -> bool:
        """Whether the container runs; False when there is none."""
        from docker.errors import NotFound

        try:
            state = (await self._call(self._api.inspect_container, container))["State"]
        except NotFound:
            return False
        return bool(state["Running"]) and not state.get("Restarting") and not state.get("Paused")

    async def check(self, wanted: ProxyConfig) -> tuple[bool, str]:
        """Whether HAProxy takes the staged configuration, and what it says about it.

        It is asked in a container of the proxy's own image, without a network, that is removed afterwards.

        Raises:
            ApplyError: the image is not there, or has no HAProxy.
        """
        # A run that was killed here left it.
        await self._remove(name := f"{wanted.container}.check")
        binds = {f"{wanted.folder}/etc": {"bind": ETC, "mode": "ro"}}
        options = self._api.create_host_config(binds=binds, network_mode="none")
        existing = ["-f", f"{ETC}/{EXISTING}.new"] if wanted.existing else []
        arguments = ["-c", *existing, "-f", f"{ETC}/candidate.cfg"]
        try:
            await self._call(
                self._api.create_container,
                wanted.image,
                arguments,
                entrypoint=["haproxy"],
                name=name,
                host_config=options,
            )
            await self._call(self._api.start, name)
            status = (await self._call(self._api.wait, name, _TIMEOUT))["StatusCode"]
            output: bytes = await self._call(self._api.logs, name)
        finally:
            await self._remove(name)
        return status == 0, output.decode(errors="replace")

    async def reload(self, container: str) -> None:
        """Ask the master to start workers with the new configuration; the old ones finish what they do."""
        await self._call(self._api.kill, container, "SIGUSR2")

    async def take(self, container: str, file: str) -> bool:
        """Whether the running HAProxy took a certificate's file as it is now; False where only a reload helps."""
        argv = ["sh", "-c", _TAKE.read_text(encoding="utf-8"), "trellis-haproxy-take", SOCKET, file]
        stdout, _, _ = await self._exec(container, argv)
        return _TAKEN in stdout

    async def ask(self, container: str, commands: Sequence[str]) -> str:
        """What HAProxy's runtime API answers to the commands.

        Raises:
            ApplyError: it does not answer.
        """
        parts = [commands[start : start + _COMMANDS_AT_ONCE] for start in range(0, len(commands), _COMMANDS_AT_ONCE)]
        return "".join([await self._ask(container, ";".join(part)) for part in parts])

    async def _ask(self, container: str, commands: str) -> str:
        argv = ["sh", "-c", _ASK.read_text(encoding="utf-8"), "trellis-haproxy-ask", SOCKET, commands]
        stdout, stderr, status = await self._exec(container, argv)
        deadline = monotonic() + _TO_LISTEN
        while status != 0 and (status in _ENDING or _REFUSED in stderr or not await self.running(container)):
            if status in _ENDING or monotonic() > deadline or not await self.running(container):
                raise GoneError(f"{container} is ending", where=f"host {self._host}")
            await asyncio.sleep(_BETWEEN_LOOKS)
            stdout, stderr, status = await self._exec(container, argv)
        if status != 0:
            said = stderr.decode(errors="replace").strip() or f"status {status}"
            raise ApplyError(
                f"the runtime API of {container} does not answer: {said}",
                where=f"host {self._host}",
                hint=f"its image starts HAProxy with -S {SOCKET}, and has socat or perl",
            )
        return stdout.decode(errors="replace")

    async def _exec(self, container: str, argv: Sequence[str]) -> tuple[bytes, bytes, int]:
        """What a command in the container prints on both streams, and its exit status."""
        from docker.errors import APIError, NotFound

        try:
            made = await self._do(self._api.exec_create, container, argv)
            stdout, stderr = await self._do(exec_output, self._api, made["Id"])
            status: int = (await self._do(self._api.exec_inspect, made["Id"]))["ExitCode"]
        except NotFound as error:
            raise GoneError(f"{container} is gone", where=f"host {self._host}") from error
        except APIError as error:
            if error.status_code == 409 or "is not running" in str(error.explanation):
                raise GoneError(f"{container} does not run", where=f"host {self._host}") from error
            raise self._refused(error, "Docker refused") from error
        return stdout, stderr, status

    async def log(self, container: str, *, after: str = "") -> tuple[str, str]:
        """What the container printed after a moment, and the moment of its last line, as the engine counts time."""
        printed: bytes = await self._call(self._api.logs, container, timestamps=True, tail=_LINES)
        lines = [line.partition(" ") for line in printed.decode(errors="replace").splitlines()]
        # RFC 3339 in UTC, all of one length: they compare as text.
        text = "\n".join(line for moment, _, line in lines if moment > after)
        return text, max((moment for moment, _, _ in lines), default=after)

    async def _remove(self, container: str) -> None:
        from docker.errors import NotFound

        with suppress(NotFound):
            await self._call(self._api.remove_container, container, force=True)

    async def _do(self, call: Callable[..., _T], *arguments: Any, **named: Any) -> _T:
        return await asyncio.to_thread(call, *arguments, **named)

    async def _call(self, call: Callable[..., _T], *arguments: Any, **named: Any) -> _T:
        from docker.errors import APIError, DockerException, NotFound
        from requests.exceptions import RequestException

        try:
            return await self._do(call, *arguments, **named)
        except NotFound as error:
            if "image" in str(error.explanation).lower():
                raise self._refused(error, "the image is not on the host") from error
            raise
        except APIError as error:
            raise self._refused(error, "Docker refused") from error
        except (RequestException, DockerException, OSError) as error:
            raise _silent(error, self._host) from error

    def _refused(self, error: Any, what: str) -> ApplyError:
        return ApplyError(f"{what}: {error.explanation or error}", where=f"host {self._host}")


def _silent(error: Exception, host: str) -> UnreachableError:
    said = (str(error) or type(error).__name__).splitlines()[0]
    return UnreachableError(f"the Docker Engine does not answer: {said}", where=f"host {host}")


@asynccontextmanager
async def engine_of(session: HostSession) -> AsyncIterator[Engine]:
    """The engine of a session's host.

    Raises:
        UnreachableError: it does not answer.
    """
    import docker
    from requests.exceptions import RequestException

    url = await session.docker_url()
    try:
        api = await asyncio.to_thread(docker.APIClient, url, version="auto", timeout=_TIMEOUT)
    except (RequestException, docker.errors.DockerException, OSError) as error:
        raise _silent(error, session.host.name) from error
    try:
        yield Engine(api, session.host.name)
    finally:
        api.close()
