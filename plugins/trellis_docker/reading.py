"""Reads from an engine behind a unix socket with the standard library: the Docker SDK is slow to start."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from queue import Empty, LifoQueue
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any
from urllib.parse import quote, urlencode

from trellis_docker.refusals import EngineError, silent_engine

_SCHEME = "unix://"


def can_read(url: str) -> bool:
    """Whether an engine at that URL is read here; another one is read by the SDK, which knows TLS."""
    return url.startswith(_SCHEME)


class SocketReads:
    """The reading methods of the Docker SDK's `APIClient`, by its names (Docker Engine API).

    Its connections are kept open and used by one thread at a time.

    Args:
        url: ``unix:///var/run/docker.sock``.
        host: the host's name, for messages.
        timeout: seconds that the engine has to answer.
    """

    def __init__(self, url: str, host: str, timeout: float) -> None:
        self._path = url.removeprefix(_SCHEME)
        self._host = host
        self._timeout = timeout
        self._idle: LifoQueue[_Connection] = LifoQueue()

    def containers(self, *, all: bool, filters: Mapping[str, Sequence[str]] | None) -> Any:  # noqa: A002 - the SDK's name
        """ContainerList."""
        query = {"all": "1" if all else "0"} | ({"filters": json.dumps(filters)} if filters else {})
        return self._get(f"/containers/json?{urlencode(query)}")

    def inspect_container(self, container: str) -> Any:
        """ContainerInspect."""
        return self._get(f"/containers/{_part(container)}/json")

    def networks(self) -> Any:
        """NetworkList."""
        return self._get("/networks")

    def inspect_network(self, name: str) -> Any:
        """NetworkInspect."""
        return self._get(f"/networks/{_part(name)}")

    def volumes(self) -> Any:
        """VolumeList."""
        return self._get("/volumes")

    def inspect_volume(self, name: str) -> Any:
        """VolumeInspect."""
        return self._get(f"/volumes/{_part(name)}")

    def inspect_image(self, reference: str) -> Any:
        """ImageInspect."""
        return self._get(f"/images/{quote(reference, safe='/:@')}/json")

    def close(self) -> None:
        """Close the connections that are not in use."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _get(self, target: str) -> Any:
        """The JSON that the engine answers; a kept connection that it closed meanwhile is made anew, once."""
        connection, is_kept = self._connection()
        try:
            try:
                answer = _ask(connection, target)
            except (ConnectionError, HTTPException):
                if not is_kept:
                    raise
                connection.close()
                answer = _ask(connection, target)
            content = answer.read()
        except (OSError, HTTPException) as error:
            connection.close()
            raise silent_engine(error, self._host) from error
        self._idle.put(connection)
        if answer.status >= 400:
            raise EngineError(answer.status, _message(content), f"host {self._host}")
        return json.loads(content)

    def _connection(self) -> "tuple[_Connection, bool]":
        try:
            return self._idle.get_nowait(), True
        except Empty:
            return _Connection(self._path, self._timeout), False


class _Connection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _ask(connection: _Connection, target: str) -> HTTPResponse:
    connection.request("GET", target)
    return connection.getresponse()


def _part(name: str) -> str:
    return quote(name, safe="")


def _message(content: bytes) -> str:
    """The sentence in an error's JSON body."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")
