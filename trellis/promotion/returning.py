"""Takes an environment's branch back to what it was last brought to whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from trellis.changes.composing import Proposal, refuse_checked_out
from trellis.changes.reading import Known, read
from trellis.changes.standing import active
from trellis.environments.loading import load_environment
from trellis.environments.project import Project
from trellis.errors import PolicyError
from trellis.promotion.applying import Prepared, settled
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of, evaluated
from trellis.revisions.graph import Commit
from trellis.revisions.programs import written
from trellis.revisions.repository import Repository, opened


@contextmanager
def returning(project: Project, environment: str, accepted: Sequence[str]) -> Iterator[Prepared]:
    """Prepare a commit on an environment's branch that holds again what the last good revision held.

    That is what the environment was last brought to, when the branch has moved on since and that did not end well, else
    the one before. Going back is no way around the chain: the environment ran it before.

    Raises:
        PolicyError: there is nothing to go back to, or something needs care.
    """
    found = load_environment(project, environment)
    with opened(project.root) as repository:
        known = read(repository, f"{names.APPLIED}{environment}")
        target = _target(repository, known, environment)
        proposal = _proposal(repository, project, known, environment, target)
        proposal = settled(found, proposal, "", accepted)
        gone = f", without {', '.join(proposal.reverts)}" if proposal.reverts else ""
        again = f", with {', '.join(proposal.brings)} again" if proposal.brings else ""
        summary = f"went back to what run {target.trailer(names.RUN)} applied{gone}{again}"
        yield Prepared(repository, proposal, summary)


def _target(repository: Repository, known: Known, environment: str) -> Commit:
    """The record of the last good content that is not the branch's own."""
    applied = known.others.get(f"{names.APPLIED}{environment}")
    now = repository.tree(known.environments[environment].commit)
    for commit in known.graph.first_parents(applied.commit) if applied else ():
        if commit.trailer(names.RUN) and repository.tree(commit.id) != now:
            return commit
    raise PolicyError(
        f"there is no earlier revision that {environment} was brought to",
        hint=f"trellis change list, then: trellis change revert NAME -e {environment}",
    )


def _proposal(repository: Repository, project: Project, known: Known, environment: str, target: Commit) -> Proposal:
    ref = known.environments[environment]
    refuse_checked_out(environment, ref.checked_out)
    tree = repository.tree(target.id)
    program = written(repository, project, tree, branch=f"env/{environment}")
    now, then = active(known, ref.commit), _active_then(known, target)
    kept = {name for name in now if name in then and _same(known, name, ref.commit, target)}
    return Proposal(
        environment,
        ref.object,
        tree,
        (ref.commit,),
        program,
        evaluated(program),
        blueprint_of(repository, project, ref.commit),
        brings={name: known.changes[name].tip for name in then if name not in now},
        reverts=tuple(name for name in now if name not in kept),
        title=f"Go back to what run {target.trailer(names.RUN)} applied",
    )


def _active_then(known: Known, target: Commit) -> frozenset[str]:
    return frozenset(name for revision in target.parents for name in active(known, revision))


def _same(known: Known, name: str, tip: str, target: Commit) -> bool:
    """Whether as much of a change-set was there then as is now."""
    own = {commit.id for commit in known.graph.missing(known.changes[name].tip, target.parents)}
    return not any(known.graph.contains(tip, commit) for commit in own)
