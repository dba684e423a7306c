"""Applies a plan while the sessions that it was made over are open, where a second look could find nothing new."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trellis.errors import LeaseLostError, LockedError

if TYPE_CHECKING:
    from trellis.pipeline import Planned
    from trellis.promotion.gate import Choice


@dataclass(frozen=True, slots=True)
class AtOnce:
    """How to apply a plan that nobody is asked about.

    A second look under the lock finds nothing new when nobody else has held the lock since the first began. That is
    only certain where all runs are told by one clock: with a state in a file, on this machine.

    Attributes:
        parallel: how many steps at once.
        lock_wait: how long the operator would wait for the lock; here it is there at once or not at all.
        choice: the program that the operator chose.
        since: when the look at the hosts began.
    """

    parallel: int
    lock_wait: float
    choice: "Choice"
    since: datetime

    @classmethod
    def now(cls, parallel: int, lock_wait: float, choice: "Choice") -> "AtOnce":
        """Before the hosts are looked at."""
        return cls(parallel, lock_wait, choice, datetime.now(UTC))

    async def apply(self, planned: "Planned") -> bool:
        """Apply it; False when it has to be planned again under the lock.

        Raises:
            LockedError: somebody else holds the lock, and the operator does not want to wait.
        """
        from trellis.cli.running import apply_plan, command_line, locked

        project, name = planned.bound.project, planned.bound.environment.name
        if not project.state_url.startswith("sqlite:"):
            return False
        try:
            with locked(project.state_url, name, command_line(), wait=0) as recording:
                if recording.store.was_at_work(name, self.since):
                    return False
                await apply_plan(planned, recording, self.parallel, self.choice)
                return True
        except LockedError as error:
            if self.lock_wait and not isinstance(error, LeaseLostError):
                return False
            raise
