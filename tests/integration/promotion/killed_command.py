"""Runs a command, and kills itself before the n-th thing that it writes; prints how many there were when it ends.

python killed_command.py N pull 7.2 -e test --yes
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from trellis.cli import edge, pulling
from trellis.cli.main import cli
from trellis.environments import writing
from trellis.revisions.repository import Repository
from trellis.state.store import Store


class Countdown:
    def __init__(self, left: int) -> None:
        self.left, self.ticks = left, 0

    def doomed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self.ticks += 1
            if self.ticks == self.left:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return run


def main() -> int:
    countdown = Countdown(int(sys.argv[1]))
    for owner, names in (
        (Repository, ("update", "changed_tree")),
        (Store, ("begin", "finish", "record_steps", "record_applied")),
        (writing, ("_replace",)),  # the files of the environment
        (pulling, ("set_config", "set_secret")),
    ):
        for name in names:
            setattr(owner, name, countdown.doomed(getattr(owner, name)))
    code = edge.exit_code_of(lambda: cli.main(sys.argv[2:], standalone_mode=False))
    print(f"ticks {countdown.ticks}")  # noqa: T201 - what the test reads
    return code


sys.exit(main())
