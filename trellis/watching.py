"""Decide, look after look, what to say of an environment and when to act on it; pure."""

from dataclasses import dataclass, replace
from typing import Literal

from trellis.plans import Plan

Maintain = Literal["triggered", "always"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        changes: what would be done, a line each; empty when everything is as the stack says.
        lost: hosts that do not answer.
        problem: why there is no plan: the stack, the environment or the room is at fault; empty when there is one.
        expiring: a sentence for each certificate on the hosts that ends soon or has ended.
    """

    changes: tuple[str, ...] = ()
    lost: frozenset[str] = frozenset()
    problem: str = ""
    expiring: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known from the looks before.

    Attributes:
        last: the last look; None before the first.
        since: when the changes that are pending were first seen, in seconds; None when none are.
    """

    last: Look | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a look: sentences for what is new, and whether to apply the plan now."""

    watched: Watched
    sentences: tuple[str, ...]
    apply: bool


def look_of(plan: Plan, expiring: tuple[str, ...] = ()) -> Look:
    """What a plan, and the certificates that expire, say to somebody who watches."""
    lines = tuple(
        f"{step.verb.value} {step.key.kind} {step.key.name} on {step.key.host}: {step.reason}" for step in plan.changes
    )
    return Look(lines, frozenset(plan.unreachable), expiring=expiring)


def judge(watched: Watched, look: Look, now: float, *, maintain: Maintain, grace: float) -> Verdict:
    """What is new, and whether it is time to act.

    It is acted on only where the environment is to be maintained always, on changes that have been the same for the
    grace period, and never while a host is silent: it may be back in a moment.

    Args:
        watched: what the looks before found.
        look: this one.
        now: seconds on any clock that goes on evenly.
        maintain: the environment's setting.
        grace: seconds for which changes have to stay the same.
    """
    before = watched.last
    same = before is not None and before.changes == look.changes and before.lost == look.lost and not look.problem
    since = None if not look.changes or look.problem else watched.since if same and watched.since is not None else now
    due = since is not None and now - since >= grace and not look.lost
    return Verdict(
        watched=replace(watched, last=look, since=since),
        sentences=tuple(_news(before, look)),
        apply=maintain == "always" and due,
    )


def _news(before: Look | None, look: Look) -> list[str]:
    lost_before = before.lost if before else frozenset()
    found = [f"{host} does not answer; what it carries stays as it is" for host in sorted(look.lost - lost_before)]
    found += [f"{host} answers again" for host in sorted(lost_before - look.lost)]
    found += [line for line in look.expiring if before is None or line not in before.expiring]
    if look.problem:
        return found if before and before.problem == look.problem else [*found, look.problem]
    if before is not None and before.changes == look.changes and not before.problem:
        return found
    if not look.changes:
        return [*found, "everything is as the stack says"]
    count = len(look.changes)
    return [*found, f"{count} change{'' if count == 1 else 's'} pending", *(f"  {line}" for line in look.changes)]
