"""An open session on a host behind ssh."""

import asyncio
import contextlib
import secrets
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator, Sequence

import asyncssh

from trellis.errors import NotAuthorisedError, TimedOutError, TrellisError, UnreachableError
from trellis.hosts import Completed, Host
from trellis_dsl.secret import Secret
from trellis_ssh import commands, streams
from trellis_ssh.commands import Elevation, Markers, Rights
from trellis_ssh.docker_socket import DockerSocket
from trellis_ssh.routes import Connection
from trellis_ssh.target import Route
from trellis_ssh.together import Together

# sshd allows ten sessions a connection (MaxSessions); the rest is for relays to the engine's socket.
_COMMANDS_AT_ONCE = 5
_LONGEST_FAREWELL = 5.0
_LONGEST_SEARCH = 30.0
_MOST_REFUSALS = 20
_BETWEEN_REFUSALS = 0.1
_MOST_SUDO_TALK = 65536


def new_markers() -> Markers:
    """Markers that no command can have seen."""
    return Markers(f"ask-{secrets.token_hex(8)}", f"go-{secrets.token_hex(8)}")


class SshSession:
    """Commands, connections and the Docker Engine of one host, over one ssh connection."""

    def __init__(self, host: Host, route: Route, connection: Connection) -> None:
        self._host = host
        self._route = route
        self._connection = connection
        self._sudo_password: Secret | None = host.secrets.get("sudo_password")
        self._slots = asyncio.Semaphore(_COMMANDS_AT_ONCE)
        self._running = 0
        self._ended = asyncio.Event()
        self._asking = asyncio.Lock()
        self._rights: Rights | None = None
        self._docker = DockerSocket(
            self, connection, lambda: connection.routes.open(host.name, route), route.docker_socket
        )
        self._together = Together(
            lambda argv, timeout: self._run_alone(argv, b"", timeout, sudo=True), lambda: f"end-{secrets.token_hex(8)}"
        )
        self._closed = False

    @property
    def host(self) -> Host:
        """The host."""
        return self._host

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        """Run a command; see `trellis.hosts.HostSession.run`."""
        if sudo and not stdin:
            return await self._together.run(argv, timeout)
        return await self._run_alone(argv, stdin, timeout, sudo=sudo)

    async def _run_alone(self, argv: Sequence[str], stdin: bytes, timeout: float, *, sudo: bool) -> Completed:
        elevation = await self._likely_elevation() if sudo else Elevation.NONE
        ended = await self._run(argv, elevation, stdin, timeout)
        if ended is None:  # sudo did not start it, so it is safe to start it in another way
            ended = await self._run(argv, await self.elevation(), stdin, timeout)
        if ended is None:
            raise self._sudo_refused("sudo refused to run a command")
        return ended

    async def _run(self, argv: Sequence[str], elevation: Elevation, stdin: bytes, timeout: float) -> Completed | None:
        late = timeout + commands.GRACE + self._route.timeout
        markers = new_markers()
        with self._explained(f"{argv[0]} on {self._host.name} did not end within {timeout:g} s"):
            async with (
                self._slots,
                asyncio.timeout(late),
                self.process(argv, elevation, timeout=timeout, markers=markers) as process,
            ):
                deadline = asyncio.get_running_loop().time() + timeout
                status, stdout, written = await self._complete(process, stdin)
                stderr = commands.past_sudo(written, markers) if elevation is Elevation.FREE else written
                if stderr is None:
                    return None
                if status in commands.LATE_STATUS and asyncio.get_running_loop().time() >= deadline:
                    raise TimeoutError
                return Completed(tuple(argv), status, stdout, stderr)

    async def _complete(self, process: "asyncssh.SSHClientProcess[bytes]", stdin: bytes) -> tuple[int, str, str]:
        with contextlib.suppress(BrokenPipeError):  # it may end without reading all of it, as on a full disk
            if stdin:
                process.stdin.write(stdin)
            process.stdin.write_eof()
        stdout, stderr = await process.communicate()
        if process.returncode is None:
            raise self._lost()
        return process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")

    @contextlib.asynccontextmanager
    async def process(
        self,
        argv: Sequence[str],
        elevation: Elevation,
        *,
        timeout: float | None = None,
        ssh: asyncssh.SSHClientConnection | None = None,
        markers: Markers | None = None,
    ) -> AsyncIterator["asyncssh.SSHClientProcess[bytes]"]:
        """A command that has started: past sudo, with its standard streams untouched. It is closed at the end."""
        markers = markers or new_markers()
        line = commands.command_line(argv, elevation, markers, timeout)
        process = await self._start(ssh or self._connection.ssh, line)
        self._running += 1
        try:
            if elevation is Elevation.PASSWORD:
                await self._answer_sudo(process, markers)
            yield process
        finally:
            process.close()
            with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                async with asyncio.timeout(_LONGEST_FAREWELL):
                    await process.wait_closed()
            self._running -= 1
            self._ended.set()

    async def _start(self, ssh: asyncssh.SSHClientConnection, line: str) -> "asyncssh.SSHClientProcess[bytes]":
        """Start a command; on a server that allows fewer sessions than we have commands, when another one ends."""
        refusals = 0
        while True:
            self._ended.clear()
            try:
                return await ssh.create_process(line, encoding=None)
            except asyncssh.ChannelOpenError:
                refusals += not self._running
                if ssh.is_closed() or refusals > _MOST_REFUSALS:
                    raise
            # The server frees a session a little after its command has ended.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._running else _BETWEEN_REFUSALS):
                    await self._ended.wait()

    async def _answer_sudo(self, process: "asyncssh.SSHClientProcess[bytes]", markers: Markers) -> None:
        ask, go, seen, asked = markers.ask.encode(), markers.go.encode(), b"", False
        while not seen.endswith(go):
            byte = await process.stderr.read(1)
            seen += byte
            if seen.endswith(ask) and not asked and self._sudo_password:
                process.stdin.write(self._sudo_password.reveal().encode() + b"\n")
                asked = True
            elif not byte or seen.endswith(ask) or len(seen) > _MOST_SUDO_TALK:
                raise self._sudo_refused("sudo refused the password" if asked else "sudo refused")

    def _sudo_refused(self, what: str) -> NotAuthorisedError:
        return NotAuthorisedError(
            f"{what} of {self._route.target.user or 'the account'} on {self._host.name}",
            where=f"hosts.{self._host.name}.options.sudo_password",
            hint="trellis secret set NAME, where NAME is what that option says",
        )

    async def _likely_elevation(self) -> Elevation:
        """Most accounts that are not root have a sudo that asks for nothing; the others are found out when it does."""
        if self._route.target.user == "root":
            return Elevation.NONE
        if self._rights is None and self._sudo_password is None:
            return Elevation.FREE
        return await self.elevation()

    async def elevation(self) -> Elevation:
        """How a command becomes root's.

        Raises:
            NotAuthorisedError: it cannot.
        """
        rights = await self.rights()
        if rights.root:
            return Elevation.NONE
        if rights.free_sudo:
            return Elevation.FREE
        if rights.sudo and self._sudo_password:
            return Elevation.PASSWORD
        need = "needs a password for sudo" if rights.sudo else "is not root, and there is no sudo"
        raise NotAuthorisedError(
            f"the account {rights.user} on {self._host.name} {need}",
            hint="use an account with sudo rights; where sudo asks for a password, name the secret that holds it "
            f"in hosts.{self._host.name}.options.sudo_password",
        )

    async def rights(self) -> Rights:
        """What the account may do; asked once."""
        async with self._asking:
            if self._rights is None:
                answer = await self.run(commands.rights_command(self._route.docker_socket), timeout=20)
                if answer.status:
                    raise TrellisError(f"{self._host.name} has no usable shell: {answer.stderr.strip()[-300:]}")
                self._rights = commands.parse_rights(answer.stdout)
            return self._rights

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """A TCP connection made from the host; see `trellis.hosts.HostSession.open_connection`."""
        ssh = self._connection.ssh
        try:
            async with asyncio.timeout(self._route.timeout):
                return await streams.opened(lambda session: ssh.create_connection(session, address, port))
        except asyncssh.ChannelOpenError as error:
            if self._is_lost():
                raise self._lost() from error
            if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
                raise NotAuthorisedError(
                    f"the ssh server of {self._host.name} forbids forwarding",
                    hint="set AllowTcpForwarding to yes or local in its sshd_config",
                ) from error
            raise ConnectionRefusedError(f"{self._host.name} cannot reach {address}:{port}: {error.reason}") from error
        except asyncssh.Error as error:
            raise self._lost() from error
        except TimeoutError as error:
            if self._is_lost():
                raise self._lost() from error
            raise

    async def docker_url(self) -> str:
        """A socket here that leads to the host's engine; see `trellis.hosts.HostSession.docker_url`."""
        with self._explained(f"the Docker Engine on {self._host.name} did not answer"):
            async with asyncio.timeout(_LONGEST_SEARCH):
                return await self._docker.url()

    async def open_engine(self) -> tuple[StreamReader, StreamWriter]:
        """A connection to the host's engine; see `trellis.engine.OpensEngine`."""
        with self._explained(f"the Docker Engine on {self._host.name} did not answer"):
            async with asyncio.timeout(_LONGEST_SEARCH):
                return await self._docker.open()

    async def close(self) -> None:
        """End the connection; may be called twice."""
        if self._closed:
            return
        self._closed = True
        await self._docker.close()
        await self._connection.close()

    @contextlib.contextmanager
    def _explained(self, late: str) -> Iterator[None]:
        try:
            yield
        except TrellisError:
            raise
        except TimeoutError as error:
            if self._is_lost():
                raise self._lost() from error
            raise TimedOutError(late, where=self._host.name) from error
        except asyncssh.ChannelOpenError as error:
            if self._is_lost():
                raise self._lost() from error
            raise TrellisError(f"{self._host.name} refused to start a command: {error.reason}") from error
        except (asyncssh.Error, OSError) as error:
            raise self._lost() from error

    def _is_lost(self) -> bool:
        return self._connection.ssh.is_closed()

    def _lost(self) -> UnreachableError:
        return UnreachableError(
            f"{self._host.name} ({self._route.target}) stopped answering",
            hint=f"is it up? try: ssh {self._route.target}; then run the command again",
        )
