"""Writes to the history what changes an environment without a step on a host, and why it was allowed."""

from collections.abc import Iterator
from contextlib import contextmanager

from trellis.cli.running import command_line, locked
from trellis.environments.project import Project
from trellis.state.processes import operator
from trellis.state.records import RunOutcome, RunRecord


@contextmanager
def recorded(
    project: Project, environment: str, stack: str, summary: str, reason: str = "", *, wait: float = 0.0
) -> Iterator[None]:
    """Hold the environment's lock, and record what is done in the block and how it ended.

    Raises:
        LockedError: somebody else holds the lock.
    """
    with locked(project.state_url, environment, command_line(), wait) as recording:
        record = RunRecord(environment, stack, recording.command, operator(), summary=summary, reason=reason)
        run = recording.store.begin(record)
        outcome: RunOutcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            recording.store.finish(run, outcome)
