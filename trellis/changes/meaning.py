"""Contradictions that git cannot see: both sides change one thing, or the two together make no stack; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from trellis.blueprint import Blueprint
from trellis.changes.differences import differences, facts
from trellis.revisions.merging import Conflict


@dataclass(frozen=True, slots=True)
class Sides:
    """Three blueprints of a merge: what both sides come from, ours, theirs."""

    bases: tuple[Blueprint, ...]
    ours: Blueprint
    theirs: Blueprint


def contradictions(sides: Sides) -> tuple[Conflict, ...]:
    """What both sides changed, and to different ends."""
    ours, theirs = facts(sides.ours), facts(sides.theirs)
    bases = [facts(base) for base in sides.bases]
    found: list[Conflict] = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if bases and mine != other and all(base.get(key) not in {mine, other} for base in bases):
            found.append(Conflict(" ".join(key), _shown(mine), _shown(other)))
    return tuple(found)


def senseless(sides: Sides, fault: str) -> Conflict:
    """The merged stack does not evaluate: what each side did since their common base."""
    return Conflict(fault, _done(sides.bases, sides.ours), _done(sides.bases, sides.theirs))


def _done(bases: Sequence[Blueprint], side: Blueprint) -> str:
    lines = [str(item) for item in differences(bases[0], side)] if bases else []
    return "\n".join(lines) or "(nothing changed)"


def _shown(text: str | None) -> str:
    return "(not there)" if text is None else text or "(there)"
