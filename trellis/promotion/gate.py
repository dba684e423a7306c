"""The last look before hosts are changed: does the chain allow what the environment is about to run?"""

from dataclasses import dataclass

from trellis.changes.reading import read
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.promotion.chain import WORKING_TREE, Asked, Overruling, decide, unpublished
from trellis.promotion.publications import published_for
from trellis.revisions import names
from trellis.revisions.programs import Program
from trellis.revisions.repository import opened


@dataclass(frozen=True, slots=True)
class Choice:
    """What the operator said about the program to run.

    Attributes:
        working_tree: the working tree, instead of the environment's branch.
        overruling: of the chain.
    """

    working_tree: bool = False
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
        published = published_for(repository, project, environment).values()
        loose = unpublished(known, program.commit, [decided.commit] if decided else [], published)
        return loose or ("where its branch was moved to by hand",)
