"""Plans as people and programs read them; pure."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from trellis.plans import Change, Plan, Step, Verb
from trellis.values import masked

SIGNS = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.REPLACE: "±",
    Verb.MOVE: "→",
    Verb.REMOVE: "-",
    Verb.KEEP: "=",
}


def plan_lines(plan: Plan, *, diff: bool = False, all_steps: bool = False) -> Iterator[str]:
    """The plan, a line a step; unchanged ones only when asked for.

    Args:
        plan: what is shown.
        diff: also each step's differences.
        all_steps: also the steps that keep things.
    """
    for step in plan.steps if all_steps else plan.changes:
        drift = " (changed by hand)" if step.drift else ""
        yield f"{SIGNS[step.verb]} {step.key.kind} {step.key.name} on {step.key.host}: {step.reason}{drift}"
        if diff:
            yield from (f"    {line}" for change in step.changes for line in change_lines(change))
    yield from (f"! {host}: {problem}" for host, problem in sorted(plan.unreachable.items()))
    yield from (f"! {warning}" for warning in plan.warnings)
    if plan.proof:
        yield f"placement: {plan.proof}"


def change_lines(change: Change) -> Iterator[str]:
    """One difference: a unified diff for texts of several lines, else both sides on one line."""
    before, after = masked(change.before), masked(change.after)
    if isinstance(after, str) and isinstance(before, str) and ("\n" in before or "\n" in after):
        yield from difflib.unified_diff(before.splitlines(), after.splitlines(), change.path, change.path, lineterm="")
    else:
        yield f"{change.path}: {before} → {after}"


def summary_line(plan: Plan) -> str:
    """``Plan: 3 to create, 1 to change, 0 to remove on 4 hosts``."""
    counts = plan.summary
    changed = counts["update"] + counts["replace"] + counts["move"]
    hosts = len({step.key.host for step in plan.changes})
    return (
        f"Plan: {counts['create']} to create, {changed} to change, {counts['remove']} to remove"
        f" on {hosts} host{'' if hosts == 1 else 's'}"
    )


def done_line(plan: Plan) -> str:
    """``Done: 3 created, 1 changed, 0 removed``."""
    counts = plan.summary
    changed = counts["update"] + counts["replace"] + counts["move"]
    return f"Done: {counts['create']} created, {changed} changed, {counts['remove']} removed"


def plan_document(plan: Plan) -> dict[str, object]:
    """The plan as one JSON value, secrets masked."""
    return {
        "schema_version": 1,
        "stack": plan.stack,
        "environment": plan.environment,
        "summary": plan.summary,
        "steps": [_step(step) for step in plan.steps],
        "warnings": list(plan.warnings),
        "unreachable": dict(plan.unreachable),
        "proof": plan.proof,
        "advice": list(plan.advice),
        "asking": {"allow_moves": list(plan.allow_moves), "rebalance": plan.rebalance},
        "bound_to": dict(plan.bound_to),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "verb": step.verb.value,
        "kind": step.key.kind,
        "id": str(step.key),
        "host": step.key.host,
        "reason": step.reason,
        "drift": step.drift,
        "requires": [str(key) for key in step.requires],
        "undo": step.undo,
        "moved_from": step.moved_from,
        "changes": [_change(change) for change in step.changes],
    }


def _change(change: Change) -> dict[str, object]:
    return {"path": change.path, "before": masked(change.before), "after": masked(change.after)}


def drift_lines(steps: Iterable[Step]) -> Iterator[str]:
    """What somebody else changed."""
    return (f"{step.key}: {step.reason}" for step in steps if step.drift)
