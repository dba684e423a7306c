"""Talks to one host's Docker Engine: the only module that calls the Docker SDK, which ships no types."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from trellis.hosts import Completed, HostSession
from trellis.values import Value
from trellis_docker.commands import Call
from trellis_docker.facts import Json
from trellis_docker.progress import PullProgress
from trellis_docker.reading import SocketReads, can_read
from trellis_docker.refusals import EngineError, silent_engine
from trellis_dsl.secret import Secret

_TIMEOUT = 60
"""Seconds that the engine has to answer a call; waiting for a container to stop adds its grace."""

_THREADS = 8
_T = TypeVar("_T")


class Engine:
    """One host's engine; its blocking calls run in threads of its own.

    Args:
        url: where it answers.
        host: the host's name, for messages.
    """

    def __init__(self, url: str, host: str) -> None:
        self._sdk = _Sdk(url, host)
        self._reads: Any = SocketReads(url, host, _TIMEOUT) if can_read(url) else self._sdk
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"docker-{host}")
        self.host = host

    def close(self) -> None:
        """Let go of the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._reads.close()
        self._sdk.close()

    async def call(self, call: Call) -> None:
        """Make a call that changes something; the only place where secrets of a container are revealed."""
        arguments = {name: _revealed(value) for name, value in call.arguments.items()}
        await self._blocking(partial(getattr(self._sdk, call.operation), **arguments))

    async def containers(self, labels: Sequence[str] = ()) -> Sequence[Json]:
        """All containers, running or not, as listed; those with all of the labels when some are given."""
        filters = {"label": list(labels)} if labels else None
        return await self._blocking(partial(self._reads.containers, all=True, filters=filters))

    async def container(self, container: str) -> Json | None:
        """One container, inspected; None when it is not there."""
        return await self._optional(partial(self._reads.inspect_container, container))

    async def networks(self) -> Sequence[Json]:
        """All networks as listed."""
        return await self._blocking(self._reads.networks)

    async def network(self, name: str) -> Json | None:
        """One network; None when it is not there."""
        return await self._optional(partial(self._reads.inspect_network, name))

    async def volumes(self) -> Sequence[Json]:
        """All volumes as listed."""
        listing: Json = await self._blocking(self._reads.volumes)
        return listing.get("Volumes") or ()

    async def volume(self, name: str) -> Json | None:
        """One volume; None when it is not there."""
        return await self._optional(partial(self._reads.inspect_volume, name))

    async def image(self, reference: str) -> Json | None:
        """The image that a reference names now; None when the host has none."""
        return await self._optional(partial(self._reads.inspect_image, reference))

    async def log(self, container: str, lines: int) -> str:
        """The last lines that a container printed."""
        output: bytes = await self._blocking(partial(self._sdk.logs, container, stdout=True, stderr=True, tail=lines))
        return output.decode(errors="replace")

    async def execute(self, container: str, argv: Sequence[str]) -> Completed:
        """Run a command in a container."""
        status, stdout, stderr = await self._blocking(partial(_execute, self._sdk, container, list(argv)))
        return Completed(tuple(argv), status, stdout, stderr)

    async def pull(self, reference: str, report: Callable[[str], None]) -> None:
        """Fetch an image, and say how far it is about once a second.

        Raises:
            EngineError: it cannot be had.
        """
        loop = asyncio.get_running_loop()

        def tell(sentence: str) -> None:
            loop.call_soon_threadsafe(report, sentence)

        await self._blocking(partial(_pull, self._sdk, reference, tell, self.host))

    async def _optional(self, operation: Callable[[], _T]) -> _T | None:
        try:
            return await self._blocking(operation)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    async def _blocking(self, operation: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, operation)


@asynccontextmanager
async def open_engine(session: HostSession) -> AsyncIterator[Engine]:
    """The engine of a session's host, for as long as the block lasts.

    Raises:
        UnreachableError: it does not answer.
        TrellisError: there is none, or the account may not use it.
    """
    engine = Engine(await session.docker_url(), session.host.name)
    try:
        yield engine
    finally:
        engine.close()


class _Sdk:
    """The SDK's `APIClient`, connected when its first method is called, with its errors as Trellis's."""

    def __init__(self, url: str, host: str) -> None:
        self._url, self._host = url, host
        self._connecting = Lock()
        self._api: Any = None

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def translated(*arguments: Any, **named: Any) -> Any:
            with _translating(self._host):
                return getattr(self._connected(), operation)(*arguments, **named)

        return translated

    def close(self) -> None:
        if self._api is not None:
            self._api.close()

    def _connected(self) -> Any:
        with self._connecting:
            if self._api is None:
                self._api = _api(self._url)
            return self._api


def _api(url: str) -> Any:
    from docker.api.client import APIClient
    from docker.utils import kwargs_from_env

    # DOCKER_HOST comes with its own settings of TLS.
    settings = kwargs_from_env() if url == os.environ.get("DOCKER_HOST") else {"base_url": url}
    return APIClient(**settings, version="auto", timeout=_TIMEOUT, num_pools=_THREADS)


@contextmanager
def _translating(host: str) -> Iterator[None]:
    """The SDK's errors as Trellis's."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        message = error.explanation or str(error)
        raise EngineError(error.status_code or 500, str(message), f"host {host}") from error
    except (RequestException, DockerException, OSError) as error:
        raise silent_engine(error, host) from error


def _revealed(value: Value) -> object:
    match value:
        case Secret():
            return value.reveal()
        case Mapping():
            return {key: _revealed(item) for key, item in value.items()}
        case tuple():
            return [_revealed(item) for item in value]
    return value


def _execute(api: Any, container: str, argv: list[str]) -> tuple[int, str, str]:
    made = api.exec_create(container, argv)
    stdout, stderr = api.exec_start(made["Id"], demux=True)
    status: int = api.exec_inspect(made["Id"])["ExitCode"]
    return status, (stdout or b"").decode(errors="replace"), (stderr or b"").decode(errors="replace")


def _pull(api: Any, reference: str, tell: Callable[[str], None], host: str) -> None:
    progress = PullProgress(reference)
    with _translating(host):  # the answer comes while it is read, long after the call
        for event in api.pull(reference, stream=True, decode=True):
            if "error" in event:
                raise EngineError(404, str(event["error"]), f"host {host}")
            if sentence := progress.take(event):
                tell(sentence)
