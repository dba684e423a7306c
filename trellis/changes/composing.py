"""Brings change-sets together: into a release, into an environment's branch, and out of it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trellis.blueprint import Blueprint
from trellis.changes.errors import ConflictError
from trellis.changes.meaning import Sides, contradictions, senseless
from trellis.changes.model import ChangeSet
from trellis.changes.reading import Known
from trellis.changes.standing import active, reverted
from trellis.environments.project import Project
from trellis.errors import StackError, TrellisError, UsageError
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of, evaluated
from trellis.revisions.merging import merge, three_way
from trellis.revisions.programs import Program, written
from trellis.revisions.repository import NOTHING, RefChange, Repository


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an environment's branch would become; nothing is changed until `write`.

    Attributes:
        environment: whose branch.
        old: where the branch is; `NOTHING` when there is none.
        tree: what it would hold.
        parents: of the commit that would be made.
        program: the merged program, in a folder.
        blueprint: of it.
        before: the blueprint that the branch holds now; None without a branch.
        brings: names and tips of the change-sets that come with it.
        reverts: names of those that it takes back.
        title: of the commit.
        trailers: more of them.
    """

    environment: str
    old: str
    tree: str
    parents: tuple[str, ...]
    program: Program
    blueprint: Blueprint
    before: Blueprint | None
    brings: Mapping[str, str] = field(default_factory=dict)
    reverts: tuple[str, ...] = ()
    title: str = ""
    trailers: tuple[tuple[str, str], ...] = ()


def composed(repository: Repository, tips: Sequence[str], text: str) -> str:
    """A commit that merges others, in their order; the only one itself when there is one.

    Raises:
        ConflictError: two of them contradict each other.
    """
    current = tips[0]
    for tip in tips[1:]:
        merged = merge(repository, current, tip)
        if merged.conflicts:
            raise ConflictError("these do not fit together", merged.conflicts, hint=_TOGETHER)
        current = repository.commit(merged.tree, [current, tip], names.message(text, "", [(names.MERGES, text)]))
    return current


_TOGETHER = "build one on the other: git switch change/ONE && git merge change/OTHER, settle it there and commit"


def propose(
    repository: Repository,
    project: Project,
    known: Known,
    environment: str,
    commit: str,
    brings: Mapping[str, str],
    title: str,
) -> Proposal:
    """Merge a commit into an environment's branch, in memory.

    Args:
        repository: the project's.
        project: where the stack is.
        known: what the repository tells.
        environment: whose branch; where there is none, it begins with the commit.
        commit: a change-set's tip or a release's commit.
        brings: names and tips of the change-sets that it contains.
        title: of the merge.

    Raises:
        ConflictError: text or meaning contradict each other; nothing was changed.
        StackError: the commit's own program is at fault.
    """
    ref = known.environments.get(environment)
    if ref is None:
        return _beginning(repository, project, environment, commit, brings, title)
    refuse_checked_out(environment, ref.checked_out)
    ours = _with_returned(repository, known, ref.commit, brings)
    merged = merge(repository, ours, commit)
    sides = _sides(repository, project, ours, commit)
    what = f"{title[0].lower()}{title[1:]}: it contradicts what {environment} has; {environment} is untouched"
    if conflicts := merged.conflicts or contradictions(sides):
        raise ConflictError(what, conflicts, hint=_TOGETHER)
    program = written(repository, project, merged.tree, branch=f"env/{environment}")
    return Proposal(
        environment=environment,
        old=ref.object,
        tree=merged.tree,
        parents=(ref.commit, commit),
        program=program,
        blueprint=_sensible(program, sides, what),
        before=blueprint_of(repository, project, ref.commit),
        brings=brings,
        title=title,
    )


def _beginning(
    repository: Repository, project: Project, environment: str, commit: str, brings: Mapping[str, str], title: str
) -> Proposal:
    """A branch that begins with a commit."""
    tree = repository.tree(commit)
    program = written(repository, project, tree, branch=f"env/{environment}")
    return Proposal(environment, NOTHING, tree, (commit,), program, evaluated(program), None, brings, title=title)


def _sensible(program: Program, sides: Sides, what: str) -> Blueprint:
    """The blueprint of what a merge gave. Raises `ConflictError`, with what each side did, when there is none."""
    try:
        return evaluated(program)
    except StackError as fault:
        conflict = senseless(sides, f"the merged stack is at fault: {fault}")
        raise ConflictError(what, [conflict], hint=_TOGETHER) from None


def _with_returned(repository: Repository, known: Known, tip: str, brings: Mapping[str, str]) -> str:
    """The branch with what it took back and is to come again put back first: to git, it was merged already."""
    gone = reverted(known.graph, tip) & brings.keys()
    tree = repository.tree(tip)
    for name in sorted(gone, key=lambda name: list(known.changes).index(name)):
        change = known.changes[name]
        there = _newest_contained(known, change.tip, change.start, tip)
        merged = three_way(repository, repository.tree(_before(known, change.start)), tree, repository.tree(there))
        if merged.conflicts:
            raise ConflictError(f"{name} was taken back here and cannot come again", merged.conflicts)
        tree = merged.tree
    return tip if tree == repository.tree(tip) else repository.commit(tree, [tip], "Return what was taken back")


def _before(known: Known, start: str) -> str:
    return known.graph.commits[start].parents[0]


def _newest_contained(known: Known, change_tip: str, start: str, branch: str) -> str:
    """The newest commit of a change-set that a branch contains."""
    for commit in known.graph.first_parents(change_tip):
        if known.graph.contains(branch, commit.id):
            return commit.id
    return start


def brought_by(known: Known, change: ChangeSet) -> dict[str, str]:
    """Names and tips of a change-set and of those that it builds on, as far as main does not hold them."""
    main = known.main.commit if known.main else ""
    below = {
        other.name: _newest_contained(known, other.tip, other.start, change.tip)
        for other in known.changes.values()
        if known.graph.contains(change.tip, other.start) and not known.graph.contains(main, other.start)
    }
    return {**below, change.name: change.tip}


def propose_without(repository: Repository, project: Project, known: Known, environment: str, name: str) -> Proposal:
    """Take a change-set out of an environment's branch, in memory.

    Raises:
        UsageError: the environment does not have it.
        ConflictError: something later builds on it; nothing was changed.
    """
    ref = known.environments.get(environment)
    if ref is None or name not in active(known, ref.commit):
        raise UsageError(f"{environment} does not have the change-set {name}", hint="trellis change list")
    refuse_checked_out(environment, ref.checked_out)
    change = known.changes[name]
    there = _newest_contained(known, change.tip, change.start, ref.commit)
    title = f"Take {name} back"
    base, without = repository.tree(there), repository.tree(_before(known, change.start))
    merged = three_way(repository, base, repository.tree(ref.commit), without)
    what = f"{name} cannot be taken back: something that {environment} has builds on it; {environment} is untouched"
    if merged.conflicts:
        raise ConflictError(what, merged.conflicts, hint="take that back first")
    program = written(repository, project, merged.tree, branch=f"env/{environment}")
    before = blueprint_of(repository, project, ref.commit)
    try:
        blueprint = evaluated(program)
    except StackError as fault:
        sides = Sides((before,), before, blueprint_of(repository, project, without))
        raise ConflictError(what, [senseless(sides, f"what is left is at fault: {fault}")]) from None
    parents = (ref.commit,)
    return Proposal(
        environment, ref.object, merged.tree, parents, program, blueprint, before, reverts=(name,), title=title
    )


def commit_proposal(repository: Repository, proposal: Proposal) -> str:
    """Write the proposal's commit; no ref leads to it yet."""
    trailers = [(names.CONTAINS, f"{name} {tip}") for name, tip in proposal.brings.items()]
    trailers += [(names.REVERTS, name) for name in proposal.reverts]
    text = names.message(proposal.title, "", [*trailers, *proposal.trailers])
    return repository.commit(proposal.tree, list(proposal.parents), text)


def write(repository: Repository, proposal: Proposal, also: Sequence[RefChange] = ()) -> str:
    """Move the environment's branch, and other refs with it, all or none; the new commit.

    Raises:
        LockedError: somebody else moved one of them in between.
    """
    made = commit_proposal(repository, proposal)
    branch = RefChange(f"{names.ENVIRONMENTS}{proposal.environment}", made, proposal.old)
    decided = RefChange(f"{names.DECIDED}{proposal.environment}", made, "")
    repository.update([branch, decided, *also], reason=proposal.title)
    return made


def refuse_checked_out(environment: str, folder: str) -> None:
    """Raise `UsageError` when an environment's branch is checked out: moving it would turn that checkout around."""
    if folder:
        raise UsageError(f"env/{environment} is checked out in {folder}", hint=f"git -C {folder} switch main")


def _sides(repository: Repository, project: Project, ours: str, theirs: str) -> Sides:
    """The blueprints of a merge. An old base that does not evaluate any more compares with nothing."""
    bases: list[Blueprint] = []
    for base in repository.merge_bases(ours, theirs):
        try:
            bases.append(blueprint_of(repository, project, base))
        except TrellisError:
            continue
    return Sides(tuple(bases), blueprint_of(repository, project, ours), blueprint_of(repository, project, theirs))
