"""A private socket on this machine that leads to a host's Docker Engine."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from trellis.errors import NotAuthorisedError, TrellisError
from trellis_ssh import commands, streams
from trellis_ssh.commands import Elevation, Rights
from trellis_ssh.connection import Connection

if TYPE_CHECKING:
    from trellis_ssh.session import SshSession

# Each relay is one of the ten sessions that sshd allows a connection, and a client that keeps one open may need a
# second one to go on: waiting for a free one could wait for ever. So more connections are opened when they are needed.
_RELAYS_ON_FIRST = 5
_RELAYS_ON_OTHERS = 9
_MOST_CONNECTIONS = 6


@dataclass
class _Lane:
    """An ssh connection and how many more relays it takes."""

    connection: Connection
    free: int


class DockerSocket:
    """Made when first asked for: forwarded by ssh itself where the account may use the engine's socket, else relayed.

    The relay is what Docker's own ssh transport uses, ``docker system dial-stdio``, run through sudo; socat does the
    same where there is no client. Nothing is installed or changed on the host.
    """

    def __init__(
        self, session: "SshSession", connection: Connection, open_another: Callable[[], Awaitable[Connection]]
    ) -> None:
        self._session = session
        self._ssh = connection.ssh
        self._open_another = open_another
        self._lanes = [_Lane(connection, _RELAYS_ON_FIRST)]
        self._making = asyncio.Lock()
        self._folder: Path | None = None
        self._server: Any = None
        self._relays: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    async def url(self) -> str:
        """``unix:///…``, the same for the life of the session.

        Raises:
            TrellisError: there is no engine, it does not answer, or the account may not use it.
        """
        async with self._making:
            if self._folder is None:
                rights = await self._session.rights()
                folder = Path(tempfile.mkdtemp(prefix="trellis-"))  # 0700: the socket is as good as root there
                try:
                    self._server = await self._serve(rights, str(folder / "docker.sock"))
                except BaseException:
                    shutil.rmtree(folder)
                    raise
                self._folder = folder
            return f"unix://{self._folder}/docker.sock"

    async def close(self) -> None:
        """End every relay and remove the socket."""
        if self._server is not None:
            self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        for lane in self._lanes[1:]:
            await lane.connection.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self, rights: Rights, path: str) -> Any:
        name = self._session.host.name
        if not rights.socket:
            raise TrellisError(f"there is no Docker Engine on {name}", hint=f"trellis host bootstrap {name}")
        if rights.socket_open and await self._forwards(rights.socket):
            return await self._ssh.forward_local_path(path, rights.socket)
        if not rights.socket_open and not rights.sudo:
            raise self._refused(rights)
        if not rights.dial:
            raise TrellisError(
                f"the Docker Engine on {name} is root's, and nothing there can relay to it",
                hint="install Docker's command line client or socat there, or put the account in the group docker",
            )
        return await self._serve_relays(rights, path)

    async def _forwards(self, socket: str) -> bool:
        """Whether sshd forwards to the socket; an error when the engine behind it is gone."""
        try:
            _, writer = await streams.opened(lambda session: self._ssh.create_unix_connection(session, socket))
        except asyncssh.ChannelOpenError as error:
            if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
                return False
            raise self._silent() from error
        writer.close()
        await writer.wait_closed()
        return True

    async def _serve_relays(self, rights: Rights, path: str) -> asyncio.Server:
        sudo = not rights.socket_open
        elevation = await self._session.elevation(sudo=sudo)

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._relay(rights, elevation, reader, writer))
            self._relays.add(task)
            task.add_done_callback(self._relays.discard)

        await self._check_relay(rights, sudo=sudo)
        # Opened now: logging in needs a thread, and later all of them may wait for answers through this very socket.
        self._lanes.append(_Lane(await self._open_another(), _RELAYS_ON_OTHERS))
        return await asyncio.start_unix_server(serve, path)

    async def _relay(
        self, rights: Rights, elevation: Elevation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with contextlib.suppress(TrellisError, asyncssh.Error, OSError):  # the client sees its connection end
                async with self._lane() as ssh:
                    await self._relay_over(ssh, commands.dial_command(rights), elevation, reader, writer)
        finally:
            writer.close()

    async def _relay_over(
        self,
        ssh: asyncssh.SSHClientConnection,
        argv: Sequence[str],
        elevation: Elevation,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        async with self._session.process(argv, elevation, ssh=ssh) as process:
            upward = asyncio.create_task(streams.pump(reader, process.stdin))
            try:
                await streams.pump(process.stdout, writer)
            finally:
                upward.cancel()
                await asyncio.gather(upward, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _lane(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection that takes one more relay; given back at the end."""
        async with self._opening:
            lane = next((lane for lane in self._lanes if lane.free), None)
            if lane is None:
                if len(self._lanes) == _MOST_CONNECTIONS:
                    raise TrellisError(f"too many connections to the Docker Engine on {self._session.host.name}")
                lane = _Lane(await self._open_another(), _RELAYS_ON_OTHERS)
                self._lanes.append(lane)
            lane.free -= 1
        try:
            yield lane.connection.ssh
        finally:
            lane.free += 1

    async def _check_relay(self, rights: Rights, *, sudo: bool) -> None:
        """One question through a relay, because what fails later fails without a reason."""
        question = b"GET /_ping HTTP/1.0\r\n\r\n"
        answer = await self._session.run(commands.dial_command(rights), stdin=question, sudo=sudo, timeout=15)
        if answer.stdout.startswith("HTTP/1."):
            return
        if "permission denied" in answer.stderr.lower():
            raise self._refused(rights)
        raise self._silent()

    def _refused(self, rights: Rights) -> NotAuthorisedError:
        name = self._session.host.name
        return NotAuthorisedError(
            f"the account {rights.user} may not use the Docker Engine on {name}",
            hint=f"as root there: usermod -aG docker {rights.user}, or give it sudo",
        )

    def _silent(self) -> TrellisError:
        name = self._session.host.name
        return TrellisError(
            f"the Docker Engine on {name} does not answer", hint="on that host: systemctl status docker"
        )
