"""Change-sets, releases, and where they stand, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["applied", "pending", "conflicting", "reverted", "-"]
"""`pending`: not here, or not all of it, but somewhere; ``-``: not here, and nowhere else."""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change-set, as its branch and its first commit tell.

    Attributes:
        name: the branch is ``change/<name>``.
        title: one line.
        version: its version tag, which may be empty.
        author: who started it.
        written: when, ISO 8601.
        start: its first commit; what contains it has the change-set, or part of it.
        tip: its newest commit; ``start`` for one that is known only from where it was applied.
        accepts: what needs care and is meant so, such as ``storage Database.data``.
        checked_out: the folder where its branch is checked out, if it is.
        branch: False when its branch is not here any more, or never was.
    """

    name: str
    title: str
    version: str = ""
    author: str = ""
    written: str = ""
    start: str = ""
    tip: str = ""
    accepts: tuple[str, ...] = ()
    checked_out: str = ""
    branch: bool = True


@dataclass(frozen=True, slots=True)
class Release:
    """A release: a tag over a commit that merges change-sets; `changes` maps their names to the tips that it has."""

    version: str
    tag: str
    commit: str
    changes: Mapping[str, str]
    author: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a change-set is in one environment, with a few words on why; `more` commits of it are not there."""

    state: State
    more: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A change-set and its standing in each environment, by name."""

    change: ChangeSet
    standings: Mapping[str, Standing]

    @property
    def anywhere(self) -> bool:
        """Whether any environment has it."""
        return any(standing.state == "applied" for standing in self.standings.values())
