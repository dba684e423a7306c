"""The last look before hosts are changed: does the chain allow what the environment is about to run?"""

from dataclasses import dataclass

from trellis.changes.care import needs_care
from trellis.changes.reading import read
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import TrellisError
from trellis.promotion.applying import refuse_careless
from trellis.promotion.chain import WORKING_TREE, Asked, Overruling, decide, unpublished
from trellis.promotion.merges import by_content
from trellis.revisions import names
from trellis.revisions.blueprints import blueprint_of
from trellis.revisions.programs import Program
from trellis.revisions.repository import opened


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator said about the program to run.

    Attributes:
        accepted: what needs care and is meant so.
        working_tree: the working tree, instead of the environment's branch.
        overruling: of the chain.
    """

    working_tree: bool = False
    accepted: tuple[str, ...] = ()
    overruling: Overruling | None = None


AS_DECIDED = Choice()


def allowed(project: Project, environment: Environment, program: Program, choice: Choice = AS_DECIDED) -> str:
    """Whether an environment may run a program; the reason why the chain is overruled, empty when it is not.

    Raises:
        PolicyError: the chain does not allow it.
    """
    if not environment.pulls_from:
        return ""
    loose = _loose(project, environment, program)
    return decide(Asked(environment.name, environment.pulls_from, loose), choice.overruling)


def _loose(project: Project, environment: Environment, program: Program) -> tuple[str, ...]:
    """What Trellis has not decided before, and the environment before has not published."""
    if not program.branch:
        return (WORKING_TREE,)
    with opened(project.root) as repository:
        decided = repository.ref(f"{names.DECIDED}{environment.name}")
        if decided is not None and decided.commit == program.commit:
            return ()
        known = read(repository, f"{names.DECIDED}{environment.name}")
        from trellis.promotion.believed import published_for  # signatures need what starts slowly

        published = published_for(repository, project, environment).values()
        had = [decided.commit] if decided else []
        loose = unpublished(known, program.commit, had, published, by_content(repository))
        return loose or ("where its branch was moved to by hand",)


def refuse_careless_edits(
    project: Project, environment: Environment, program: Program, content: str, choice: Choice
) -> None:
    """Refuse a working tree that takes something away from what runs, unless that was accepted.

    What a branch holds was looked at when it came there, and what ran before may run again.

    Raises:
        PolicyError: something needs care.
    """
    if program.root != project.root or not content:
        return
    with opened(project.root) as repository:
        applied = repository.ref(f"{names.APPLIED}{environment.name}")
        if applied is None or repository.tree(applied.commit) == content:
            return
        try:
            before = blueprint_of(repository, project, applied.commit)
        except TrellisError:  # it was good once; what it was is not known any more
            return
        roles = {role for host in environment.hosts.values() for role in host.roles}
        refuse_careless(needs_care(before, blueprint_of(repository, project, content), roles, choice.accepted))
