"""Talks to one host's Docker Engine: the only module that calls the Docker SDK, which ships no types."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, TypeVar

from trellis.errors import ApplyError, UnreachableError
from trellis.hosts import Completed, HostSession
from trellis.values import Value
from trellis_docker.commands import Call
from trellis_docker.facts import Json
from trellis_docker.faults import first_line
from trellis_docker.progress import PullProgress
from trellis_dsl.secret import Secret

_TIMEOUT = 60
"""Seconds that the engine has to answer a call; waiting for a container to stop adds its grace."""

_THREADS = 8
_T = TypeVar("_T")


class EngineError(ApplyError):
    """The engine refused a call.

    Attributes:
        status: the HTTP status: 404 not there, 409 in conflict, 500 the engine's own trouble.
        message: what the engine said.
    """

    def __init__(self, status: int, message: str, where: str) -> None:
        super().__init__(f"Docker refused: {first_line(message)}", where=where)
        self.status = status
        self.message = message


class Engine:
    """One host's engine; its blocking calls run in threads of its own."""

    def __init__(self, api: Any, host: str) -> None:
        self._api = api
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"docker-{host}")
        self.host = host

    def close(self) -> None:
        """Let go of the connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._api.close()

    async def call(self, call: Call) -> None:
        """Make a call that changes something; the only place where secrets of a container are revealed."""
        arguments = {name: _revealed(value) for name, value in call.arguments.items()}
        await self._blocking(partial(getattr(self._api, call.operation), **arguments))

    async def containers(self, labels: Sequence[str] = ()) -> Sequence[Json]:
        """All containers, running or not, as listed; those with all of the labels when some are given."""
        filters = {"label": list(labels)} if labels else None
        return await self._blocking(partial(self._api.containers, all=True, filters=filters))

    async def container(self, container: str) -> Json | None:
        """One container, inspected; None when it is not there."""
        return await self._optional(partial(self._api.inspect_container, container))

    async def networks(self) -> Sequence[Json]:
        """All networks as listed."""
        return await self._blocking(self._api.networks)

    async def network(self, name: str) -> Json | None:
        """One network; None when it is not there."""
        return await self._optional(partial(self._api.inspect_network, name))

    async def volumes(self) -> Sequence[Json]:
        """All volumes as listed."""
        listing: Json = await self._blocking(self._api.volumes)
        return listing.get("Volumes") or ()

    async def volume(self, name: str) -> Json | None:
        """One volume; None when it is not there."""
        return await self._optional(partial(self._api.inspect_volume, name))

    async def image(self, reference: str) -> Json | None:
        """The image that a reference names now; None when the host has none."""
        return await self._optional(partial(self._api.inspect_image, reference))

    async def log(self, container: str, lines: int) -> str:
        """The last lines that a container printed."""
        output: bytes = await self._blocking(partial(self._api.logs, container, stdout=True, stderr=True, tail=lines))
        return output.decode(errors="replace")

    async def execute(self, container: str, argv: Sequence[str]) -> Completed:
        """Run a command in a container."""
        status, stdout, stderr = await self._blocking(partial(_execute, self._api, container, list(argv)))
        return Completed(tuple(argv), status, stdout, stderr)

    async def pull(self, reference: str, report: Callable[[str], None]) -> None:
        """Fetch an image, and say how far it is about once a second.

        Raises:
            EngineError: it cannot be had.
        """
        loop = asyncio.get_running_loop()

        def tell(sentence: str) -> None:
            loop.call_soon_threadsafe(report, sentence)

        await self._blocking(partial(_pull, self._api, reference, tell, self.host))

    async def _optional(self, operation: Callable[[], _T]) -> _T | None:
        try:
            return await self._blocking(operation)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    async def _blocking(self, operation: Callable[[], _T]) -> _T:
        def translated() -> _T:
            with _translating(self.host):
                return operation()

        return await asyncio.get_running_loop().run_in_executor(self._threads, translated)


@asynccontextmanager
async def open_engine(session: HostSession) -> AsyncIterator[Engine]:
    """The engine of a session's host, for as long as the block lasts.

    Raises:
        UnreachableError: it does not answer.
        TrellisError: there is none, or the account may not use it.
    """
    url = await session.docker_url()
    engine = Engine(await asyncio.to_thread(_connected, url, session.host.name), session.host.name)
    try:
        yield engine
    finally:
        engine.close()


def _connected(url: str, host: str) -> Any:
    from docker.api.client import APIClient
    from docker.utils import kwargs_from_env

    # DOCKER_HOST comes with its own settings of TLS.
    settings = kwargs_from_env() if url == os.environ.get("DOCKER_HOST") else {"base_url": url}
    with _translating(host):
        return APIClient(**settings, version="auto", timeout=_TIMEOUT, num_pools=_THREADS)


@contextmanager
def _translating(host: str) -> Iterator[None]:
    """The SDK's errors as Trellis's."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    where = f"host {host}"
    try:
        yield
    except APIError as error:
        message = error.explanation or str(error)
        raise EngineError(error.status_code or 500, str(message), where) from error
    except (RequestException, DockerException, OSError) as error:
        raise UnreachableError(
            f"the Docker Engine does not answer: {first_line(str(error))}",
            where=where,
            hint="see that it runs: docker info",
        ) from error


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
    for event in api.pull(reference, stream=True, decode=True):
        if "error" in event:
            raise EngineError(404, str(event["error"]), f"host {host}")
        if sentence := progress.take(event):
            tell(sentence)
