"""Where each change-set is: the matrix of change-sets and environments; pure but for the merges that it is given."""

from collections.abc import Callable, Mapping, Sequence

from trellis.changes.model import ChangeSet, Row, Standing
from trellis.changes.reading import Known
from trellis.revisions import names
from trellis.revisions.graph import Graph

Conflicting = Callable[[Sequence[tuple[str, str]]], Sequence[bool]]
"""Given pairs of commits, whether each pair contradicts itself when merged."""


def reverted(graph: Graph, tip: str) -> frozenset[str]:
    """Names of the change-sets that a branch contains and has taken back."""
    gone: set[str] = set()
    for commit in reversed(graph.first_parents(tip)):
        gone -= {line.partition(" ")[0] for line in commit.trailers.get(names.CONTAINS, ())}
        gone |= set(commit.trailers.get(names.REVERTS, ()))
    return frozenset(gone)


def active(known: Known, tip: str) -> dict[str, ChangeSet]:
    """The change-sets that a commit contains, wholly or in part, and has not taken back."""
    gone = reverted(known.graph, tip)
    return {
        name: change
        for name, change in known.changes.items()
        if name not in gone and known.graph.contains(tip, change.start)
    }


def matrix(known: Known, environments: Sequence[str], conflicting: Conflicting) -> tuple[Row, ...]:
    """Every change-set and where it stands in each environment.

    Args:
        known: what the repository tells.
        environments: names, in the order of the columns.
        conflicting: asked once, for all pairs that may contradict each other.
    """
    gone = {name: reverted(known.graph, ref.commit) for name, ref in known.environments.items()}
    rows = [
        Row(change, {name: _standing(known, change, name, gone.get(name, frozenset())) for name in environments})
        for change in known.changes.values()
    ]
    return _with_conflicts(known, [_with_pending(row) for row in rows], conflicting)


def _standing(known: Known, change: ChangeSet, environment: str, gone: frozenset[str]) -> Standing:
    ref = known.environments.get(environment)
    if ref is None or not known.graph.contains(ref.commit, change.start):
        return Standing("-")
    if change.name in gone:
        return Standing("reverted")
    if known.graph.contains(ref.commit, change.tip):
        return Standing("applied")
    more = len(known.graph.missing(change.tip, [ref.commit]))
    return Standing("pending", more, f"{more} more commit{'' if more == 1 else 's'}")


def _with_pending(row: Row) -> Row:
    if not any(standing.state in {"applied", "pending"} for standing in row.standings.values()):
        return row
    standings = {
        name: Standing("pending") if standing.state == "-" else standing for name, standing in row.standings.items()
    }
    return Row(row.change, standings)


def _with_conflicts(known: Known, rows: Sequence[Row], conflicting: Conflicting) -> tuple[Row, ...]:
    asked = [
        (place, name, (known.environments[name].commit, row.change.tip))
        for place, row in enumerate(rows)
        for name, standing in row.standings.items()
        if standing.state in {"-", "pending"} and name in known.environments and row.change.branch
    ]
    answers = conflicting([pair for _, _, pair in asked])
    bad = {(place, name) for (place, name, _), answer in zip(asked, answers, strict=True) if answer}
    return tuple(_marked(row, {name for at, name in bad if at == place}) for place, row in enumerate(rows))


def _marked(row: Row, bad: set[str]) -> Row:
    standings: Mapping[str, Standing] = {
        name: Standing("conflicting", standing.more, standing.detail) if name in bad else standing
        for name, standing in row.standings.items()
    }
    return Row(row.change, standings)
