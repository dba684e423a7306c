"""A server on a private socket of this machine, whose every connection ends when it is closed."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from trellis.errors import TrellisError

_PREFIX = "trellis-ssh-"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def remove_leftovers() -> None:
    """Remove this account's sockets whose process was killed before it could do so."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):  # another run is removing it, or it is somebody else's
            if pid.isdecimal() and folder.stat().st_uid == os.getuid() and not _lives(int(pid)):
                shutil.rmtree(folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class LocalServer:
    """Listens at `url`, in a folder that only this account can enter; made with `start`."""

    def __init__(self, folder: Path, serve: Serve) -> None:
        self._folder = folder
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, serve: Serve) -> "LocalServer":
        """A server that hands each connection to `serve` and closes it afterwards."""
        remove_leftovers()
        server = cls(Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")), serve)  # mkdtemp: 0700
        try:
            server._server = await asyncio.start_unix_server(server._accept, server._path)
        except BaseException:
            shutil.rmtree(server._folder)
            raise
        return server

    @property
    def url(self) -> str:
        """``unix:///…``."""
        return f"unix://{self._path}"

    @property
    def _path(self) -> str:
        return str(self._folder / "docker.sock")

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._handle(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(TrellisError, asyncssh.Error, OSError):  # the client sees its connection end
                await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def close(self) -> None:
        """End every connection and remove the socket."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        shutil.rmtree(self._folder, ignore_errors=True)
