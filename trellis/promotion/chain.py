"""The chain of environments: what one may run depends on what the one before it has published; pure.

`decide` is asked by every way in: the working tree, a change-set, a release, a promotion, and what a branch holds.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from trellis.changes.reading import Known
from trellis.changes.standing import reverted
from trellis.errors import PolicyError, UsageError
from trellis.revisions import names
from trellis.revisions.graph import Commit

WORKING_TREE = "the working tree"


@dataclass(frozen=True, slots=True)
class Overruling:
    """Someone overrules the chain.

    Attributes:
        typed: the environment's name, as typed.
        reason: why; it is recorded.
    """

    typed: str
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to run something.

    Attributes:
        environment: its name.
        pulls_from: the environment before it; empty for one that pulls from nobody.
        unpublished: what it would run and the environment before it has not published, as `unpublished` says.
    """

    environment: str
    pulls_from: str
    unpublished: tuple[str, ...]


def decide(asked: Asked, overruling: Overruling | None = None) -> str:
    """Whether an environment may run something.

    Returns:
        the reason why the chain is overruled; empty when it need not be.

    Raises:
        PolicyError: something was not published by the environment before, and nobody overrules that.
        UsageError: the overruling lacks its reason, or another environment's name was typed.
    """
    if not asked.pulls_from or not asked.unpublished:
        return ""
    if overruling is None:
        things = ", ".join(asked.unpublished)
        raise PolicyError(
            f"{asked.environment} pulls from {asked.pulls_from}, which has not published {things}",
            hint=f"trellis publish VERSION -e {asked.pulls_from}, or overrule it: --override-chain",
        )
    if overruling.typed != asked.environment:
        raise UsageError(
            f"to overrule the chain, the environment's name is typed: {asked.environment}, not {overruling.typed!r}",
            hint=f"--confirm {asked.environment}",
        )
    if not overruling.reason.strip():
        raise UsageError("to overrule the chain needs a reason, which is recorded", hint="--reason TEXT")
    return overruling.reason.strip()


Empty = Callable[[Sequence[Commit]], Collection[str]]
"""Given commits that say of themselves that they only bring others together, the ids of those that do."""


def as_they_say(commits: Sequence[Commit]) -> Collection[str]:
    """All of them: for telling. A message is anybody's to write, so nothing is decided by it."""
    return {commit.id for commit in commits}


def unpublished(
    known: Known, wanted: str, had: Iterable[str], published: Iterable[str], empty: Empty
) -> tuple[str, ...]:
    """What a commit holds and nobody published: names of change-sets, then commits that belong to none.

    Args:
        known: what the repository tells.
        wanted: the commit.
        had: commits whose content the environment has already, by a decision that was made before.
        published: commits that the environment before published.
        empty: tells which commits hold nothing of their own.
    """
    loose = known.graph.missing(wanted, [*had, *published])
    nothing = empty([commit for commit in loose if _is_merge(commit)])
    return _told(known, [commit for commit in loose if commit.id not in nothing])


def never_ran(known: Known, tip: str, upstream: Iterable[str]) -> Mapping[str, str]:
    """What a branch holds and the environment before never had: each thing, and why the chain was overruled for it.

    Args:
        known: what the repository tells.
        tip: of the environment's branch.
        upstream: commits that the environment before runs, or ever published.
    """
    given = list(upstream)
    things = unpublished(known, tip, (), given, as_they_say)
    reasons: dict[str, str] = {}
    for commit in known.graph.first_parents(tip):
        reason = commit.trailer(names.OVERRULED)
        if reason:
            before = commit.parents[:1] if len(commit.parents) > 1 else ()  # a branch begins with what it pulled first
            brought = known.graph.missing(commit.id, [*given, *before])
            reasons |= dict.fromkeys(_told(known, [one for one in brought if not _is_merge(one)]), reason)
    gone = reverted(known.graph, tip)
    return {thing: reasons.get(thing, "") for thing in things if thing not in gone}


def _is_merge(commit: Commit) -> bool:
    """Whether it says that Trellis made it to bring things together, and that it holds nothing of its own."""
    return any(key in commit.trailers for key in (names.CONTAINS, names.REVERTS, names.RELEASE, names.MERGES))


def _told(known: Known, commits: Sequence[Commit]) -> tuple[str, ...]:
    """The change-sets that commits belong to, and how many belong to none."""
    owners = known.owners()
    found = sorted({owners[commit.id] for commit in commits if commit.id in owners})
    main = known.main.commit if known.main else ""
    others = [commit for commit in commits if commit.id not in owners]
    if found:  # what a change-set was cut from goes without saying
        others = [commit for commit in others if not known.graph.contains(main, commit.id)]
    count = f"{len(others)} commit{'' if len(others) == 1 else 's'} of no change-set"
    return (*found, *([count] if others else []))
