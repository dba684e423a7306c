"""The program itself, told to end while it waits."""

import signal
import subprocess
import sys

import pytest

# The program says that it listens; what it then waits for never comes.
BLOCKED = """
import sys, threading
from trellis.cli.edge import cancel_when_ended, exit_code_of
def wait():
    print("ready", flush=True)
    threading.Event().wait()
cancel_when_ended()
sys.exit(exit_code_of(wait))
"""
STEPPING = """
import asyncio, signal, sys
from trellis.cli.edge import cancel_when_ended
cancel_when_ended()
async def work():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    print("ready", flush=True)
    await stopped.wait()
asyncio.run(work())
sys.exit(8)
"""


def ended(program: str, number: signal.Signals, at_ctrl_c: signal.Handlers) -> tuple[int, bytes]:
    """The exit code and what was said, of a program that is started with this disposition of Ctrl-C."""
    before = signal.signal(signal.SIGINT, at_ctrl_c)
    try:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.parametrize("program", [BLOCKED, STEPPING], ids=["blocked", "in an event loop that handles Ctrl-C"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_ended_is_being_cancelled(program: str, number: signal.Signals) -> None:
    code, said = ended(program, number, signal.SIG_DFL)
    assert code == 8
    assert b"Traceback" not in said


@pytest.mark.parametrize("program", [BLOCKED, STEPPING], ids=["blocked", "in an event loop that handles Ctrl-C"])
def test_what_a_script_started_in_the_background_can_be_ended_too(program: str) -> None:
    code, said = ended(program, signal.SIGTERM, signal.SIG_IGN)
    assert code == 8
    assert b"Traceback" not in said
