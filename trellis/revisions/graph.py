"""The history, read once: commits, their parents and trailers, and what a commit contains; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

ALL_FIELDS = "%x1e%H%x1f%P%x1f%an%x1f%aI%x1f%s%x1f%(trailers:only,unfold)"
"""The format of ``git log`` that `parse_log` reads."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `trailers` holds the values of each key in their order."""

    id: str
    parents: tuple[str, ...]
    author: str = ""
    written: str = ""
    subject: str = ""
    trailers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def trailer(self, key: str) -> str:
        """The first value of a trailer, or nothing."""
        return next(iter(self.trailers.get(key, ())), "")


@dataclass(frozen=True)
class Graph:
    """Commits by id, children before their parents."""

    commits: dict[str, Commit]

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {name: 1 << place for place, name in enumerate(self.commits)}

    @cached_property
    def _sets(self) -> dict[str, int]:
        """What each commit contains, itself included, as one integer a commit."""
        found: dict[str, int] = {}
        for name in reversed(self.commits):
            bits = self._bits[name]
            for parent in self.commits[name].parents:
                bits |= found.get(parent, 0)
            found[name] = bits
        return found

    def contains(self, commit: str, other: str) -> bool:
        """Whether `other` is the commit or one of its ancestors; False when either is unknown."""
        return bool(self._sets.get(commit, 0) & self._bits.get(other, 0))

    def missing(self, commit: str, among: Iterable[str]) -> tuple[Commit, ...]:
        """What a commit contains and none of the others do, newest first."""
        bits = self._sets.get(commit, 0)
        for other in among:
            bits &= ~self._sets.get(other, 0)
        return tuple(found for name, found in self.commits.items() if self._bits[name] & bits)

    def first_parents(self, commit: str) -> tuple[Commit, ...]:
        """A branch's own commits, newest first: the commit, its first parent, and so on."""
        found: list[Commit] = []
        while commit in self.commits:
            found.append(self.commits[commit])
            commit = next(iter(found[-1].parents), "")
        return tuple(found)


def parse_log(text: str) -> Graph:
    """The graph that ``git log --topo-order --format=ALL_FIELDS`` printed."""
    commits = (_commit(entry) for entry in text.split("\x1e") if entry.strip())
    return Graph({commit.id: commit for commit in commits})


def _commit(entry: str) -> Commit:
    name, parents, author, written, subject, trailers = entry.split("\x1f")
    found: dict[str, tuple[str, ...]] = {}
    for line in trailers.splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            found[key] = (*found.get(key, ()), value)
    return Commit(name.strip(), tuple(parents.split()), author, written, subject, found)
