"""Applies a plan from a command: lock, journal, progress, outcome."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trellis.applying import Applier
from trellis.cli.ending import error_of, outcome_of
from trellis.cli.journalling import JournalledSteps
from trellis.cli.output import progress
from trellis.cli.rendering import summary_line
from trellis.cli.telling import Teller, telling
from trellis.pipeline import Planned
from trellis.promotion.gate import AS_DECIDED, Choice, allowed, refuse_careless_edits
from trellis.remembering import made_of
from trellis.revisions.applied import content_of, remember
from trellis.rollback.keeping import kept_program
from trellis.state.instructions import JournalledInstructions
from trellis.state.lease import Lease
from trellis.state.processes import operator, this_process
from trellis.state.records import Applied, RunOutcome, RunRecord
from trellis.state.store import Store, open_store
from trellis.values import canonical, digest, fingerprinted


@dataclass(frozen=True, slots=True)
class Recording:
    """An open journal, and the lock that this process holds."""

    store: Store
    lease: Lease
    command: str


@contextmanager
def locked(state_url: str, environment: str, command: str, wait: float) -> Iterator[Recording]:
    """Hold the environment's lock.

    Raises:
        LockedError: somebody else holds it.
    """
    store = open_store(state_url)
    try:
        with store.lease(
            environment, this_process(command), wait=wait, on_wait=lambda held: progress(f"waiting: {held}")
        ) as lease:
            yield Recording(store, lease, command)
    finally:
        store.close()


async def apply_plan(
    planned: Planned,
    recording: Recording,
    parallel: int,
    choice: Choice = AS_DECIDED,
    reason: str = "",
    *,
    partial: bool = False,
    destroying: bool = False,
) -> None:
    """Apply and record; a partial or limited plan is not kept as what the environment was brought to.

    Where everything is removed no program is run, so the chain of environments has no say, and none is remembered.

    Raises:
        PolicyError: the chain of environments does not allow this program.
        ApplyError: a step failed; what ran before goes on running.
        CancelledError: the operator pressed Ctrl-C; the steps under way were finished.
        UnreachableError: hosts did not answer, or stopped answering; the others are done.
    """
    bound = planned.bound
    if not destroying:
        reason = allowed(bound.project, bound.environment, bound.program, choice) or reason
    content = "" if destroying else content_of(bound.project, bound.program)
    refuse_careless_edits(bound.project, bound.environment, bound.program, content, choice)
    run = recording.store.begin(_record(planned, recording, reason))
    progressed = JournalledInstructions(recording.store, planned.plan.environment, run)
    outcome: RunOutcome = "failed"
    try:
        with telling(len(planned.plan.changes)) as teller:
            async with JournalledSteps(recording.store, recording.lease, run, bound.salt, teller) as journal:
                applier = planned.applier(journal, parallel, progressed)
                stopped = _stop_on_interrupt(applier, teller)
                outcomes = await applier.apply(planned.plan)
        outcome = outcome_of(outcomes, cancelled=bool(stopped))
        if outcome == "done" and not partial and not planned.plan.limit:
            _remember(planned, recording, run)
            digest_now = planned.plan.bound_to["blueprint"]
            remember(bound.project, planned.plan.environment, bound.program, content, run, digest_now)
            if planned.desired:
                recording.store.programs.keep(kept_program(bound, run, content))
    finally:
        recording.store.finish(run, outcome, summary_line(planned.plan))
    if error := error_of(outcomes, planned.plan, cancelled=bool(stopped)):
        raise error


def _record(planned: Planned, recording: Recording, reason: str) -> RunRecord:
    plan = planned.plan
    return RunRecord(
        environment=plan.environment,
        stack=plan.stack,
        command=recording.command,
        operator=operator(),
        plan_digest=digest(dict(plan.bound_to)),
        blueprint_digest=plan.bound_to["blueprint"],
        counts=plan.summary,
        summary=summary_line(plan),
        reason=reason,
    )


def _remember(planned: Planned, recording: Recording, run: int) -> None:
    plan, salt = planned.plan, planned.bound.salt
    made = [made_of(resource, salt) for resource in planned.desired]
    recording.store.settle_made(plan.environment, made, plan.unreachable)
    recording.store.record_applied(run, _applied(planned))


def _applied(planned: Planned) -> Applied:
    salt = planned.bound.salt
    return Applied(
        canonical(planned.bound.blueprint.as_json()),
        planned.plan.bound_to["config"],
        {str(item.key): digest(fingerprinted(item.spec, salt)) for item in planned.desired},
    )


def _stop_on_interrupt(applier: Applier, teller: Teller) -> list[bool]:
    """Ctrl-C lets the steps under way finish, and starts no more; the list is not empty afterwards."""
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        applier.stop()
        teller.say("cancelling: finishing what is under way")

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
    return stopped


def command_line() -> str:
    """What the operator typed, for the journal and the lock."""
    return " ".join(["trellis", *sys.argv[1:]])
