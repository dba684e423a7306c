"""A session on this machine: commands as processes, connections as sockets."""

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence

from trellis.errors import TimedOutError, TrellisError
from trellis.hosts import Completed, Host, HostSession
from trellis_local.engine import find_engine

_KILL_GRACE = 2.0
"""Seconds between asking a process group to end and killing it."""


class LocalConnector:
    """Opens sessions on this machine."""

    schemes: Sequence[str] = ("local",)

    async def connect(self, host: Host) -> HostSession:
        """A session; nothing is opened, so it always succeeds."""
        return LocalSession(host)


class LocalSession:
    """This machine as a host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def host(self) -> Host:
        """The host."""
        return self._host

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        """Run a command in a process group of its own, which is ended as a whole after `timeout` seconds.

        Raises:
            TimedOutError: it did not end in time.
        """
        command = as_root(argv) if sudo else tuple(argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except OSError as error:
            return _not_started(tuple(argv), error)
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin), timeout)
        except TimeoutError:
            raise TimedOutError(
                f"{argv[0]} did not end within {timeout:g} s", where=f"host {self._host.name}"
            ) from None
        finally:
            await _end_group(process)
        return Completed(tuple(argv), process.returncode or 0, _text(stdout), _text(stderr))

    async def open_connection(self, address: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """A TCP connection. Raises `OSError` when it is refused."""
        return await asyncio.open_connection(address, port)

    async def docker_url(self) -> str:
        """``DOCKER_HOST``, else the first of the usual sockets at which an engine answers.

        Raises:
            NotAuthorisedError: this account may not use the socket.
            TrellisError: there is no engine.
        """
        try:
            return await find_engine(os.environ)
        except TrellisError as error:
            error.where = f"host {self._host.name}"
            raise

    async def close(self) -> None:
        """Nothing is held open."""


def as_root(argv: Sequence[str]) -> tuple[str, ...]:
    """The command under sudo, which asks nothing; the command itself for root."""
    return tuple(argv) if os.geteuid() == 0 else ("sudo", "-n", "--", *argv)


def _not_started(argv: tuple[str, ...], error: OSError) -> Completed:
    """What a shell would answer: 127 for a command that is not there, 126 for one that may not be run."""
    status = 127 if isinstance(error, FileNotFoundError) else 126
    return Completed(argv, status, "", f"{argv[0]}: {error.strerror}\n")


def _text(output: bytes) -> str:
    return output.decode(errors="replace")


async def _end_group(process: Process) -> None:
    """End what is left of the process group when the command itself has not ended."""
    if process.returncode is not None:
        return
    await _signal_group(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _KILL_GRACE)
    except TimeoutError:
        await _signal_group(process, signal.SIGKILL)
        await process.wait()


async def _signal_group(process: Process, number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # The group runs as root, by sudo, and only root may end it.
        kill = await asyncio.create_subprocess_exec(
            *as_root(["kill", "-s", str(number.value), "--", f"-{process.pid}"]), stdin=DEVNULL, stderr=DEVNULL
        )
        await kill.wait()
