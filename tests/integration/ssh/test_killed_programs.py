"""A program that is killed in the middle leaves nothing behind, neither here nor on the host."""

import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("user", ["deploy", "keeper"])
async def test_nothing_is_left_on_the_host_and_the_next_session_removes_the_socket_here(user, lab, lab_host, connect):
    host = lab_host(lab, "h2", user=user)
    arguments = [host.name, host.connect, host.options["identity_file"], host.options["known_hosts"], "2"]
    program = [sys.executable, str(Path(__file__).with_name("killed_program.py")), *arguments]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)  # noqa: ASYNC221 - it is short
    assert ended.returncode == -9, ended.stderr
    socket = Path(ended.stdout.strip())
    assert socket.parent.exists()
    session = await connect(host)
    await session.docker_url()
    assert not socket.parent.exists()
    _until(lambda: lab.execute("h2", "pgrep", "-f", "^(sleep 4713|.*dial-stdio)$", user="root")[0] == 1)


def _until(holds) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_a_late_command_ends_although_the_host_is_cut_off(new_lab, lab_host, connect):
    import asyncio

    from trellis.errors import UnreachableError

    lab = new_lab(1)
    session = await connect(lab_host(lab, "h1"))
    command = asyncio.create_task(session.run(["sleep", "4714"], timeout=3))
    while lab.execute("h1", "pgrep", "-f", "^sleep 4714$")[0]:  # noqa: ASYNC110 - it starts on another host
        await asyncio.sleep(0.02)
    lab.partition("h1")
    with pytest.raises(UnreachableError):
        await command
    _until(lambda: lab.execute("h1", "pgrep", "-f", "^sleep 4714$")[0] == 1)
