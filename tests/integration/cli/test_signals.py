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


@pytest.mark.parametrize("program", [BLOCKED, STEPPING], ids=["blocked", "in an event loop that handles Ctrl-C"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_ended_is_being_cancelled(program: str, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 8
    assert b"Traceback" not in said
