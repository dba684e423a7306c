"""A private socket on this machine that leads to a host's Docker Engine."""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from trellis.errors import NotAuthorisedError, TrellisError
from trellis_ssh import commands, streams
from trellis_ssh.commands import Elevation, Rights

if TYPE_CHECKING:
    from trellis_ssh.session import SshSession

# Each relay is one of the ten sessions that sshd allows a connection.
_RELAYS_AT_ONCE = 5


class DockerSocket:
    """Made when first asked for: forwarded by ssh itself where the account may use the engine's socket, else relayed.

    The relay is what Docker's own ssh transport uses, ``docker system dial-stdio``, run through sudo; socat does the
    same where there is no client. Nothing is installed or changed on the host.
    """

    def __init__(self, session: "SshSession", ssh: asyncssh.SSHClientConnection) -> None:
        self._session = session
        self._ssh = ssh
        self._making = asyncio.Lock()
        self._folder: Path | None = None
        self._server: Any = None
        self._relays: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_RELAYS_AT_ONCE)

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

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._relays.add(task)
                task.add_done_callback(self._relays.discard)
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(writer.close)
                await stack.enter_async_context(self._slots)
                with contextlib.suppress(TrellisError, asyncssh.Error, OSError):
                    await self._relay(rights, elevation, reader, writer)

        await self._check_relay(rights, sudo=sudo)
        return await asyncio.start_unix_server(serve, path)

    async def _relay(
        self, rights: Rights, elevation: Elevation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with self._session.process(commands.dial_command(rights), elevation) as process:
            upward = asyncio.create_task(streams.pump(reader, process.stdin))
            try:
                await streams.pump(process.stdout, writer)
            finally:
                upward.cancel()
                await asyncio.gather(upward, return_exceptions=True)

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
