"""Plans as people and programs read them; pure."""

import difflib
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any

from trellis.plans import Change, Drift, Plan, Step, Verb
from trellis.values import masked

SIGNS = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.REPLACE: "±",
    Verb.MOVE: "→",
    Verb.REMOVE: "-",
    Verb.KEEP: "=",
}

MOST_SITES = 5
"""How many sites are named after a run."""

_COLORS = {"+": "green", "~": "yellow", "±": "yellow", "→": "cyan", "-": "red", "!": "magenta"}


def color_of(line: str) -> str | None:
    """The colour of a line of a plan; None where its sign has none."""
    return _COLORS.get(line[:2].strip()) if line[1:2] == " " else None


def plan_lines(plan: Plan, *, diff: bool = False, all_steps: bool = False) -> Iterator[str]:
    """The plan, a line a step; unchanged ones only when asked for.

    Args:
        plan: what is shown.
        diff: also each step's differences.
        all_steps: also the steps that keep things.
    """
    found = {drift.key: drift.what for drift in plan.drift}
    for step in plan.steps if all_steps else plan.changes:
        drift = _drift_mark(step, found.get(step.key, ""))
        yield f"{SIGNS[step.verb]} {step.key.kind} {step.key.name} on {step.key.host}: {step.reason}{drift}"
        if diff:
            yield from (f"    {line}" for change in step.changes for line in change_lines(change))
    yield from (f"! {host}: {problem}" for host, problem in sorted(plan.unreachable.items()))
    yield from (f"! {warning}" for warning in plan.warnings)
    if plan.proof:
        yield f"placement: {plan.proof}"


def _drift_mark(step: Step, what: str) -> str:
    """Tells what somebody else did apart from what the stack asks for."""
    if step.drift:
        return " (drift)"
    return f" (drift besides: {what})" if what else ""


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


def drift_line(plan: Plan) -> str:
    """``Drift: 2 resources were changed outside Trellis``; empty when none was."""
    count = len({drift.key for drift in plan.drift} | {step.key for step in plan.changes if step.drift})
    return f"Drift: {count} resource{'' if count == 1 else 's'} changed outside Trellis" if count else ""


def done_lines(plan: Plan) -> Iterator[str]:
    """What an operator is told at the end: where the sites answer, then what was done."""
    urls = {url: list(found) for url, found in groupby(plan.sites, key=lambda site: site.url)}
    for url, found in islice(urls.items(), MOST_SITES):
        yield f"{url} answers at {', '.join(str(site.answers) for site in found)}"
    if len(urls) > MOST_SITES:
        yield f"and {len(urls) - MOST_SITES} more sites: trellis status -e {plan.environment}"
    yield done_line(plan)


def done_line(plan: Plan) -> str:
    """``Done: 3 created, 1 changed, 0 removed``, and how much of it put drift right."""
    restored = sum(step.drift for step in plan.changes)
    return _done(plan) + (f"; {restored} of them restored after drift" if restored else "")


def _done(plan: Plan) -> str:
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
        "asking": {
            "allow_moves": list(plan.allow_moves),
            "rebalance": plan.rebalance,
            "hosts": list(plan.limit.hosts),
            "roles": list(plan.limit.roles),
        },
        "drift": [drift_entry(drift) for drift in plan.drift],
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
        "instructions": [str(instruction) for instruction in step.instructions],
        "changes": [_change(change) for change in step.changes],
    }


def _change(change: Change) -> dict[str, object]:
    return {"path": change.path, "before": masked(change.before), "after": masked(change.after)}


def silent_sentence(hosts: Iterable[str]) -> str:
    """``these hosts did not answer: ny2, ny3``."""
    return f"these hosts did not answer: {', '.join(sorted(hosts))}"


def drift_entry(drift: Drift) -> dict[str, object]:
    """One change of somebody else, as a JSON value."""
    return {"id": str(drift.key), "kind": drift.key.kind, "host": drift.key.host, "what": drift.what}
