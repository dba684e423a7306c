"""Brings main here to where it is in another repository: forwards only, so that both are one commit afterwards."""

from dataclasses import dataclass

from trellis.errors import PolicyError, UsageError
from trellis.revisions import names
from trellis.revisions.repository import NOTHING, Ref, RefChange, Repository


@dataclass(frozen=True, slots=True)
class Synced:
    """Where main is now, in both repositories; `was` is where it was here, empty when there was none."""

    branch: str
    commit: str
    was: str

    @property
    def moved(self) -> bool:
        """Whether main moved here."""
        return self.commit != self.was


def sync_main(repository: Repository, source: str) -> Synced:
    """Fetch main from another repository, and move it forwards here.

    Args:
        repository: the project's.
        source: what git can fetch from: a URL, a path, a bundle.

    Raises:
        PolicyError: main here has what main there lacks; nothing was moved.
        UsageError: git is not to fetch from such a thing.
        TrellisError: it cannot be fetched, or edits in the checkout are in the way.
    """
    if source.startswith("-") or "::" in source or not source:
        raise UsageError("not a URL that git may fetch from", where=source)
    here = repository.refs(*names.MAIN)
    name = next((name for name in names.MAIN if name in here), names.MAIN[0])
    repository.fetch(source, [f"+{name}:{names.FETCHED_MAIN}"])
    there = repository.ref(names.FETCHED_MAIN)
    assert there is not None  # noqa: S101 - for the type checker: it was fetched just now
    branch, ours = name.removeprefix("refs/heads/"), here.get(name)
    if ours is None or ours.commit != there.commit:
        _refuse_other_ways(repository, branch, ours, there, source)
        _move(repository, name, ours, there, source)
    return Synced(branch, there.commit, ours.commit if ours else "")


def _refuse_other_ways(repository: Repository, branch: str, ours: Ref | None, there: Ref, source: str) -> None:
    if ours is None:
        return
    graph = repository.graph([ours.commit, there.commit])
    own, other = (
        len(graph.missing(*sides)) for sides in ((ours.commit, [there.commit]), (there.commit, [ours.commit]))
    )
    if not own:
        return
    has = f"{branch} here has {_commits(own)} that {source} lacks"
    if not other:
        raise PolicyError(f"{has}, which has nothing new", hint=f"bring them there first: in that repository, {_PULL}")
    what = f"the two have parted: {has}, and lacks {_commits(other)} of it; nothing was moved"
    look = f"git log --oneline --left-right {branch}...{names.FETCHED_MAIN}"
    raise PolicyError(what, hint=f"{look}; make a change-set of what is only here, or bring it there first")


_PULL = "trellis sync --from THIS"


def _commits(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"


def _move(repository: Repository, name: str, ours: Ref | None, there: Ref, source: str) -> None:
    if ours is not None and ours.checked_out:
        repository.forward_checked_out(ours.checked_out, there.commit)
        return
    old = ours.object if ours else NOTHING
    repository.update([RefChange(name, there.commit, old)], reason=f"sync from {source}")
