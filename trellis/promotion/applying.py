"""Change-sets into and out of an environment's branch, decided by the chain and by what needs care."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from trellis.blueprint import Blueprint
from trellis.changes.care import Care, needs_care
from trellis.changes.composing import Proposal, brought_by, propose, propose_without, write
from trellis.changes.differences import Difference, differences
from trellis.changes.reading import Known, read
from trellis.changes.standing import reverted
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import PolicyError
from trellis.promotion.chain import Asked, Overruling, decide, unpublished
from trellis.promotion.merges import by_content
from trellis.revisions import names
from trellis.revisions.repository import NOTHING, RefChange, Repository, opened


@dataclass(frozen=True, slots=True)
class Prepared:
    """A proposal that was allowed, ready to be written."""

    repository: Repository
    proposal: Proposal
    summary: str
    reason: str = ""
    also: tuple[RefChange, ...] = ()

    @property
    def blueprint(self) -> Blueprint:
        """Of what the environment would run."""
        return self.proposal.blueprint

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What it changes of what the environment would run."""
        before = self.proposal.before or replace(self.blueprint, services=(), roles=(), config=())
        return differences(before, self.blueprint)

    def lines(self) -> Iterator[str]:
        """What it changes, for people."""
        found = self.differences
        yield from (str(item) for item in found)
        if not found:
            yield "the stack means the same with it"

    def write(self) -> str:
        """Move the branch; the new commit. Raises `LockedError` when somebody else moved it."""
        return write(self.repository, self.proposal, self.also)


@contextmanager
def apply_change(
    project: Project, environment: str, name: str, overruling: Overruling | None, accepted: Sequence[str]
) -> Iterator[Prepared | None]:
    """Prepare to merge a change-set into an environment's branch; None when it is there already.

    Raises:
        PolicyError: the chain does not allow it, or something needs care.
        ConflictError: it contradicts what is there.
    """
    from trellis.promotion.believed import published_for

    found = load_environment(project, environment)
    with opened(project.root) as repository:
        known = begun(repository, read(repository), found)
        change = known.change(name)
        tip = _tip(known, environment)
        if known.graph.contains(tip, change.tip) and name not in reverted(known.graph, tip):
            yield None
            return
        published = published_for(repository, project, found).values()
        loose = unpublished(known, change.tip, [tip], published, by_content(repository))
        reason = decide(Asked(environment, found.pulls_from, loose), overruling)
        brings = brought_by(known, change)
        proposal = propose(repository, project, known, environment, change.tip, brings, f"Apply {name}")
        proposal = settled(found, proposal, reason, (*accepted, *change.accepts))
        yield Prepared(repository, proposal, f"applied {name}", reason)


@contextmanager
def revert_change(project: Project, environment: str, name: str, accepted: Sequence[str]) -> Iterator[Prepared]:
    """Prepare to take a change-set out of an environment's branch.

    Raises:
        PolicyError: something needs care.
        ConflictError: something that is there builds on it.
    """
    found = load_environment(project, environment)
    with opened(project.root) as repository:
        proposal = propose_without(repository, project, read(repository), environment, name)
        proposal = settled(found, proposal, "", accepted)
        yield Prepared(repository, proposal, f"took {name} back")


def settled(
    environment: Environment,
    proposal: Proposal,
    reason: str,
    accepted: Sequence[str],
) -> Proposal:
    """The proposal with what it records: why the chain was overruled, and what was accepted.

    Raises:
        PolicyError: something needs care and was not accepted.
    """
    before = proposal.before
    if before is None:
        return replace(proposal, trailers=_trailers(proposal, reason, ()))
    roles = {role for host in environment.hosts.values() for role in host.roles}
    refuse_careless(needs_care(before, proposal.blueprint, roles, accepted))
    meant = tuple(care.what for care in needs_care(before, proposal.blueprint, roles))
    return replace(proposal, trailers=_trailers(proposal, reason, meant))


def refuse_careless(cares: Sequence[Care]) -> None:
    """Raise `PolicyError` when something needs care."""
    if cares:
        options = " ".join(f'--accept "{care.what}"' for care in cares)
        raise PolicyError(f"this needs care: {'; '.join(care.sentence for care in cares)}", hint=options)


def _trailers(proposal: Proposal, reason: str, accepted: Sequence[str]) -> tuple[tuple[str, str], ...]:
    overruled = [(names.OVERRULED, reason)] if reason else []
    return (*proposal.trailers, *overruled, *((names.ACCEPTS, what) for what in accepted))


def begun(repository: Repository, known: Known, environment: Environment) -> Known:
    """The repository with a branch for an environment that pulls from nobody: it begins where main is."""
    if environment.pulls_from or environment.name in known.environments:
        return known
    from trellis.revisions.repository import Ref

    main = repository.main()
    name = f"{names.ENVIRONMENTS}{environment.name}"
    beginning = Ref(name, NOTHING, main.commit)
    return replace(known, environments={**known.environments, environment.name: beginning})


def _tip(known: Known, environment: str) -> str:
    return known.environments[environment].commit if environment in known.environments else NOTHING
