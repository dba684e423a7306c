"""Commands on this machine: real processes."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from trellis.errors import TimedOutError
from trellis.hosts import Completed, Host
from trellis_local import trellis_connectors
from trellis_local.session import LocalSession, as_root


@pytest.fixture
def session() -> LocalSession:
    return LocalSession(Host("here"))


async def test_the_plugin_s_connector_opens_sessions_of_this_machine() -> None:
    [connector] = trellis_connectors()
    assert tuple(connector.schemes) == ("local",)
    session = await connector.connect(Host("here"))
    assert session.host == Host("here")
    await session.close()
    await session.close()


async def test_a_command_gets_its_arguments_as_they_are_and_its_input(session: LocalSession) -> None:
    script = 'printf "%s|" "$@"; cat; echo "to stderr" >&2; exit 3'
    argv = ("sh", "-c", script, "name", "a b", "$HOME; ls", "")
    assert await session.run(argv, stdin=b"given\xff") == Completed(argv, 3, "a b|$HOME; ls||given�", "to stderr\n")


async def test_a_command_that_is_not_there_is_a_status_as_in_a_shell(session: LocalSession, tmp_path: Path) -> None:
    assert (await session.run(["no-such-command-here"])).status == 127
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    assert (await session.run([str(plain)])).status == 126


async def test_input_that_nobody_reads_is_no_error(session: LocalSession) -> None:
    assert (await session.run(["true"], stdin=b"x" * 1_000_000)).status == 0


async def test_a_command_that_takes_too_long_ends_with_all_its_children(session: LocalSession, tmp_path: Path) -> None:
    note = tmp_path / "child"
    script = 'sleep 60 & echo $! > "$1"; wait'
    with pytest.raises(TimedOutError) as failure:
        await session.run(["sh", "-c", script, "name", str(note)], timeout=0.3)
    assert str(failure.value) == "host here: sh did not end within 0.3 s"
    await until_gone(int(note.read_text()))


async def test_one_that_ignores_the_request_to_end_is_killed(session: LocalSession, tmp_path: Path) -> None:
    note = tmp_path / "own"
    script = 'trap "" TERM; echo $$ > "$1"; while :; do sleep 0.1; done'
    with pytest.raises(TimedOutError):
        await session.run(["sh", "-c", script, "name", str(note)], timeout=0.3)
    await until_gone(int(note.read_text()))


async def test_a_cancelled_command_ends_too(session: LocalSession, tmp_path: Path) -> None:
    note = tmp_path / "own"
    running = asyncio.create_task(session.run(["sh", "-c", 'echo $$ > "$1"; sleep 60', "name", str(note)]))
    async with asyncio.timeout(5):
        while not (note.exists() and note.read_text().strip()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await until_gone(int(note.read_text()))


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            if is_collected_late(pid):
                return
            await asyncio.sleep(0.01)


def is_collected_late(pid: int) -> bool:
    """Ended, and not yet waited for by whoever adopted it."""
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_root_needs_no_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert as_root(["id", "-u"]) == ("id", "-u")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert as_root(["id", "-u"]) == ("sudo", "-n", "--", "id", "-u")


async def test_a_connection_is_this_machine_s(session: LocalSession) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        reader, writer = await session.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


async def test_a_refused_connection_is_an_os_error(session: LocalSession) -> None:
    with pytest.raises(ConnectionRefusedError):
        await session.open_connection("127.0.0.1", 1)


async def test_no_engine_says_which_host(session: LocalSession, monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis.errors import TrellisError

    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(TrellisError, match=r"^host here: DOCKER_HOST is unix:///nowhere/docker.sock"):
        await session.docker_url()
