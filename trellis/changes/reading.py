"""The change-sets, releases and environments of a repository, read with two processes however many there are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trellis.changes.model import ChangeSet, Release
from trellis.environments.reading import near_miss
from trellis.errors import UsageError
from trellis.revisions import names
from trellis.revisions.graph import Commit, Graph
from trellis.revisions.repository import Ref, Repository


@dataclass(frozen=True, slots=True)
class Known:
    """All that a repository tells.

    Attributes:
        graph: every commit that one of the others leads to.
        main: where changes are cut from; None before the first commit.
        changes: by name.
        releases: by version.
        environments: the branches of environments, by the environment's name.
        others: refs that were asked for besides.
    """

    graph: Graph
    main: Ref | None
    changes: Mapping[str, ChangeSet]
    releases: Mapping[str, Release]
    environments: Mapping[str, Ref]
    others: Mapping[str, Ref] = field(default_factory=dict)

    def change(self, name: str) -> ChangeSet:
        """The change-set of that name, which has a branch.

        Raises:
            UsageError: there is none.
        """
        if name not in self.changes or not self.changes[name].branch:
            raise UsageError(
                f"there is no change-set {name}{near_miss(name, self.changes)}", hint="trellis change list"
            )
        return self.changes[name]

    def owners(self) -> dict[str, str]:
        """The change-set that each commit was made in."""
        found: dict[str, str] = {}
        for change in self.changes.values():
            for commit in self.graph.first_parents(change.tip):
                found[commit.id] = change.name
                if commit.id == change.start:
                    break
        return found

    def release(self, version: str) -> Release:
        """The release of that version.

        Raises:
            UsageError: there is none.
        """
        if version not in self.releases:
            raise UsageError(
                f"there is no release {version}{near_miss(version, self.releases)}", hint="trellis release list"
            )
        return self.releases[version]


def read(repository: Repository, *more: str) -> Known:
    """Read refs and history once; `more` are patterns of other refs."""
    refs = repository.refs(names.CHANGES, names.ENVIRONMENTS, names.RELEASES, *names.MAIN, *more)
    graph = repository.graph(ref.commit for ref in refs.values())
    main = next((refs[name] for name in names.MAIN if name in refs), None)
    found = known_changes(graph, _under(refs, names.CHANGES), main.commit if main else "")
    releases = {
        version: release_of(graph.commits[ref.commit], version, ref.object)
        for version, ref in _under(refs, names.RELEASES).items()
        if ref.commit in graph.commits
    }
    own = (names.CHANGES, names.ENVIRONMENTS, names.RELEASES, *names.MAIN)
    others = {name: ref for name, ref in refs.items() if not name.startswith(own)}
    return Known(graph, main, found, releases, _under(refs, names.ENVIRONMENTS), others)


def _under(refs: Mapping[str, Ref], prefix: str) -> dict[str, Ref]:
    return {name.removeprefix(prefix): ref for name, ref in refs.items() if name.startswith(prefix)}


def known_changes(graph: Graph, branches: Mapping[str, Ref], main: str) -> dict[str, ChangeSet]:
    """Every change-set: those with a branch, and those that only their first commit still tells of; pure."""
    starts = {commit.trailer(names.CHANGE): commit for commit in reversed(list(graph.commits.values()))}
    starts.pop("", None)
    found = {name: _from_branch(graph, name, ref, starts.get(name), main) for name, ref in branches.items()}
    told = {name: _told(name, commit, commit.id) for name, commit in starts.items() if name not in found}
    return dict(sorted((found | told).items()))


def _from_branch(graph: Graph, name: str, ref: Ref, start: Commit | None, main: str) -> ChangeSet:
    """A branch's change-set; one that was made by hand starts where it left main."""
    if start is None or not graph.contains(ref.commit, start.id):
        own = [commit for commit in graph.first_parents(ref.commit) if not graph.contains(main, commit.id)]
        start = own[-1] if own else graph.commits[ref.commit]
    return _told(name, start, ref.commit, ref.checked_out, branch=True)


def _told(name: str, start: Commit, tip: str, checked_out: str = "", *, branch: bool = False) -> ChangeSet:
    return ChangeSet(
        name=name,
        title=start.subject,
        version=start.trailer(names.VERSION),
        author=start.author,
        written=start.written,
        start=start.id,
        tip=tip,
        accepts=start.trailers.get(names.ACCEPTS, ()),
        checked_out=checked_out,
        branch=branch,
    )


def release_of(commit: Commit, version: str, tag: str) -> Release:
    """The release that a commit is; what it contains stands in its trailers."""
    changes = contained_pairs([commit])
    return Release(version, tag, commit.id, changes, commit.author, commit.written)


def contained_pairs(commits: Iterable[Commit]) -> dict[str, str]:
    """Names and tips of the change-sets that these commits say they bring."""
    lines = (line for commit in commits for line in commit.trailers.get(names.CONTAINS, ()))
    return {name: tip for name, _, tip in (line.partition(" ") for line in lines) if tip}
