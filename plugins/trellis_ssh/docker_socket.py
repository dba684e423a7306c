"""A private socket on this machine that leads to a host's Docker Engine."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import asyncssh

from trellis.errors import EngineSilentError, NotAuthorisedError, TrellisError
from trellis_ssh import commands, streams
from trellis_ssh.commands import Elevation, Rights
from trellis_ssh.lanes import Lanes
from trellis_ssh.local_server import LocalServer, Serve
from trellis_ssh.routes import Connection

if TYPE_CHECKING:
    from trellis_ssh.session import SshSession


class DockerSocket:
    """Made when first asked for: forwarded by ssh itself where the account may use the engine's socket, else relayed.

    The relay is what Docker's own ssh transport uses, ``docker system dial-stdio``, run through sudo; socat does the
    same where there is no client. Nothing is installed or changed on the host.
    """

    def __init__(
        self,
        session: "SshSession",
        connection: Connection,
        open_another: Callable[[], Awaitable[Connection]],
        docker_socket: str = "",
    ) -> None:
        self._session = session
        self._ssh = connection.ssh
        self._usual = docker_socket or commands.USUAL_SOCKET
        self._lanes = Lanes(connection, open_another)
        self._making = asyncio.Lock()
        self._server: LocalServer | None = None

    async def url(self) -> str:
        """``unix:///…``, the same for the life of the session.

        Raises:
            TrellisError: there is no engine, it does not answer, or the account may not use it.
        """
        async with self._making:
            if self._server is None:
                self._server = await LocalServer.start(await self._way())
            return self._server.url

    async def open(self) -> streams.Streams:
        """One connection, straight through ssh where the account may use the usual socket.

        Raises:
            TrellisError: as `url` does.
        """
        if self._server is None:
            with contextlib.suppress(asyncssh.ChannelOpenError):
                return await streams.opened(lambda session: self._ssh.create_unix_connection(session, self._usual))
        return await asyncio.open_unix_connection((await self.url()).removeprefix("unix://"))

    async def close(self) -> None:
        """End every connection to the engine and remove the socket."""
        if self._server is not None:
            await self._server.close()
        await self._lanes.close()

    async def _way(self) -> Serve:
        # Most often it simply works, and nothing has to be asked.
        if await self._forwards(self._usual):
            return self._forwarding(self._usual)
        rights = await self._session.rights()
        name = self._session.host.name
        if not rights.socket:
            raise TrellisError(f"there is no Docker Engine on {name}", hint=f"trellis host bootstrap {name}")
        if rights.socket_open and await self._forwards(rights.socket):
            return self._forwarding(rights.socket)
        if not rights.socket_open and not rights.sudo:
            raise self._refused(rights)
        if not rights.dial and rights.socket_open:
            raise self._silent()
        if not rights.dial:
            raise TrellisError(
                f"the Docker Engine on {name} is root's, and nothing there can relay to it",
                hint="install Docker's command line client or socat there, or put the account in the group docker",
            )
        return await self._relaying(rights)

    async def _forwards(self, socket: str) -> bool:
        """Whether sshd lets the account through to the socket."""
        try:
            _, writer = await streams.opened(lambda session: self._ssh.create_unix_connection(session, socket))
        except asyncssh.ChannelOpenError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def _forwarding(self, socket: str) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far = await streams.opened(lambda session: self._ssh.create_unix_connection(session, socket))
            try:
                await streams.join((reader, writer), far)
            finally:
                far[1].close()

        return serve

    async def _relaying(self, rights: Rights) -> Serve:
        argv, sudo = commands.dial_command(rights), not rights.socket_open
        elevation = await self._session.elevation() if sudo else Elevation.NONE
        await self._check_relay(rights, sudo=sudo)
        # Opened now: logging in needs a thread, and later all of them may wait for answers through this very socket.
        await self._lanes.add()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with self._lanes.take() as ssh, self._session.process(argv, elevation, ssh=ssh) as process:
                await streams.join((reader, writer), (process.stdout, process.stdin))

        return serve

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

    def _silent(self) -> EngineSilentError:
        name = self._session.host.name
        return EngineSilentError(
            f"the Docker Engine on {name} does not answer", hint="on that host: systemctl status docker"
        )
