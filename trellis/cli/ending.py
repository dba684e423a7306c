"""How a run ended, and the error that says so; pure."""

from collections.abc import Sequence

from trellis.applying import Outcome
from trellis.cli.rendering import silent_sentence
from trellis.errors import ApplyError, CancelledError, TrellisError, UnreachableError
from trellis.plans import Plan
from trellis.state.records import RunOutcome

_MOST_NAMES = 5


def outcome_of(outcomes: Sequence[Outcome], *, cancelled: bool) -> RunOutcome:
    """The word for the journal."""
    if any(outcome.state == "failed" for outcome in outcomes):
        return "failed"
    return "cancelled" if cancelled and any(outcome.state == "skipped" for outcome in outcomes) else "done"


def error_of(outcomes: Sequence[Outcome], plan: Plan, *, cancelled: bool) -> TrellisError | None:
    """What is to be told after applying the plan; None when all of it was done on every host.

    A step that failed comes first, then hosts that were lost on the way, then the operator's own wish to stop, then
    hosts that did not answer from the beginning.
    """
    failed = [item.error for item in outcomes if item.state == "failed" and item.error is not None]
    broken = [error for error in failed if not isinstance(error, UnreachableError)]
    if broken:
        return _failure(outcomes, broken[0], plan)
    if failed:
        return _lost(outcomes, failed, plan)
    if outcome_of(outcomes, cancelled=cancelled) == "cancelled":
        return CancelledError("cancelled; the steps under way were finished", hint="run it again to go on")
    if plan.unreachable:
        return UnreachableError(f"done on the other hosts, but {silent_sentence(plan.unreachable)}", hint=_again(plan))
    return None


def _failure(outcomes: Sequence[Outcome], error: TrellisError, plan: Plan) -> TrellisError:
    step = next(item.step for item in outcomes if item.error is error)
    made = ApplyError(error.what, where=str(step.key), hint=error.hint or f"mend it and run: {_again(plan)}")
    made.__cause__ = error
    return made


def _lost(outcomes: Sequence[Outcome], errors: Sequence[TrellisError], plan: Plan) -> TrellisError:
    hosts = sorted({item.step.key.host for item in outcomes if item.state == "failed"} | plan.unreachable.keys())
    left = [f"{item.step.key.name} on {item.step.key.host}" for item in outcomes if item.state != "done"]
    shown = ", ".join(left[:_MOST_NAMES]) + (f" and {len(left) - _MOST_NAMES} more" if left[_MOST_NAMES:] else "")
    made = UnreachableError(
        f"{', '.join(hosts)} stopped answering; not done, or not known to be done: {shown}\n  {errors[0].what}",
        hint=f"when it answers again: {_again(plan)}",
    )
    made.__cause__ = errors[0]
    return made


def _again(plan: Plan) -> str:
    return f"trellis up -e {plan.environment}"
