"""Talks to one host's Docker Engine: over a connection of our own, and with the Docker SDK where output streams."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from trellis.engine import EngineConnection
from trellis.executing import exec_output
from trellis.hosts import Completed, HostSession
from trellis.values import Value
from trellis_docker.commands import Call, quoted
from trellis_docker.facts import Json
from trellis_docker.progress import PullProgress
from trellis_docker.refusals import EngineError, silent_engine
from trellis_dsl.secret import Secret

_TIMEOUT = 60
"""Seconds that the engine has to answer a call; waiting for a container to stop adds its grace."""

_FIRST_TIMEOUT = 15
"""Seconds that it has for the first and easiest question; one that hangs is found out soon."""

_QUESTION_TIMEOUT = 30
"""Seconds that it has for a question, which changes nothing."""

_THREADS = 8
_T = TypeVar("_T")


class Engine:
    """One host's engine: questions and changes over a connection of our own, what streams by the SDK in its threads.

    The SDK, which ships no types, is imported to pull an image, read a log or run a command: importing it takes as long
    as bringing a container up, and its threads need one more way to the engine.
    """

    def __init__(self, session: HostSession) -> None:
        self._session = session
        self._connection = EngineConnection(session, _QUESTION_TIMEOUT)
        self._sdk = asyncio.Lock()
        self._api: Any = None
        self.host = session.host.name
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"docker-{self.host}")

    async def close(self) -> None:
        """Let go of the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._api is not None:
            self._api.close()
        await self._connection.close()

    async def call(self, call: Call) -> None:
        """Make a call that changes something; the only place where secrets of a container are revealed."""
        body = json.dumps(_revealed(call.body)).encode() if call.body else b""
        try:
            answer = await self._connection.ask(call.method, call.path, call.query, body, _TIMEOUT + call.seconds)
        except OSError as error:
            raise silent_engine(error, self.host) from error
        if answer.status >= 400:
            raise EngineError(answer.status, answer.message, f"host {self.host}")

    async def containers(self, labels: Sequence[str] = ()) -> Sequence[Json]:
        """All containers, running or not, as listed; those with all of the labels when some are given."""
        filters = {"filters": json.dumps({"label": list(labels)})} if labels else {}
        found: Sequence[Json] = await self._asked("/containers/json", {"all": "1", **filters})
        return found

    async def container(self, container: str) -> Json | None:
        """One container, inspected; None when it is not there."""
        return await self._optional(f"/containers/{quoted(container)}/json")

    async def networks(self) -> Sequence[Json]:
        """All networks as listed."""
        found: Sequence[Json] = await self._asked("/networks")
        return found

    async def network(self, name: str) -> Json | None:
        """One network; None when it is not there."""
        return await self._optional(f"/networks/{quoted(name)}")

    async def volumes(self) -> Sequence[Json]:
        """All volumes as listed."""
        listing: Json = await self._asked("/volumes")
        return listing.get("Volumes") or ()

    async def volume(self, name: str) -> Json | None:
        """One volume; None when it is not there."""
        return await self._optional(f"/volumes/{quoted(name)}")

    async def image(self, reference: str) -> Json | None:
        """The image that a reference names now; None when the host has none."""
        return await self._optional(f"/images/{quoted(reference)}/json")

    async def log(self, container: str, lines: int) -> str:
        """The last lines that a container printed."""
        output: bytes = await self._blocking(lambda api: api.logs(container, stdout=True, stderr=True, tail=lines))
        return output.decode(errors="replace")

    async def execute(self, container: str, argv: Sequence[str]) -> Completed:
        """Run a command in a container."""
        status, stdout, stderr = await self._blocking(lambda api: _execute(api, container, list(argv)))
        return Completed(tuple(argv), status, stdout, stderr)

    async def pull(self, reference: str, report: Callable[[str], None]) -> None:
        """Fetch an image, and say how far it is about once a second.

        Raises:
            EngineError: it cannot be had.
        """
        loop = asyncio.get_running_loop()

        def tell(sentence: str) -> None:
            loop.call_soon_threadsafe(report, sentence)

        await self._blocking(lambda api: _pull(api, reference, tell, self.host))

    async def _optional(self, path: str) -> Json | None:
        try:
            found: Json = await self._asked(path)
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def _asked(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON that the engine answers to a question."""
        try:
            answer = await self._connection.ask("GET", path, query)
            if answer.status >= 400:
                raise EngineError(answer.status, answer.message, f"host {self.host}")
            return answer.json()
        except (OSError, ValueError) as error:
            raise silent_engine(error, self.host) from error

    async def _blocking(self, operation: Callable[[Any], _T]) -> _T:
        """Do something with the SDK's client, in a thread."""
        loop = asyncio.get_running_loop()
        async with self._sdk:
            if self._api is None:
                url = await self._session.docker_url()
                version = self._connection.api_version
                self._api = await loop.run_in_executor(self._threads, _connected, url, version, self.host)

        def translated() -> _T:
            with _translating(self.host):
                return operation(self._api)

        return await loop.run_in_executor(self._threads, translated)


@asynccontextmanager
async def open_engine(session: HostSession) -> AsyncIterator[Engine]:
    """The engine of a session's host, for as long as the block lasts.

    Raises:
        TrellisError: there is none, or the account may not use it.
    """
    engine = Engine(session)
    try:
        yield engine
    finally:
        await engine.close()


def _connected(url: str, version: str, host: str) -> Any:
    from docker.api.client import APIClient
    from docker.utils import kwargs_from_env

    # DOCKER_HOST comes with its own settings of TLS.
    settings = kwargs_from_env() if url == os.environ.get("DOCKER_HOST") else {"base_url": url}
    with _translating(host):
        api = APIClient(**settings, version=version or "auto", timeout=_FIRST_TIMEOUT, num_pools=_THREADS)
    api.timeout = _TIMEOUT
    return api


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
    stdout, stderr = exec_output(api, made["Id"])
    status: int = api.exec_inspect(made["Id"])["ExitCode"]
    return status, stdout.decode(errors="replace"), stderr.decode(errors="replace")


def _pull(api: Any, reference: str, tell: Callable[[str], None], host: str) -> None:
    progress = PullProgress(reference)
    for event in api.pull(reference, stream=True, decode=True):
        if "error" in event:
            raise EngineError(404, str(event["error"]), f"host {host}")
        if sentence := progress.take(event):
            tell(sentence)
