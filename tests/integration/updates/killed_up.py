"""Runs `trellis up --yes` and ends without any farewell around an instruction: `killed_up.py before|after NUMBER`."""

import os
import signal
import sys

from trellis.cli.main import main
from trellis.state.instructions import JournalledInstructions

when, number = sys.argv[1], int(sys.argv[2])
method = "started" if when == "before" else "finished"
told = getattr(JournalledInstructions, method)


def tell_and_die(self, step, at):
    told(self, step, at)
    if at == number:
        os.kill(os.getpid(), signal.SIGKILL)


setattr(JournalledInstructions, method, tell_and_die)
sys.argv = ["trellis", "up", "--yes"]
main()
