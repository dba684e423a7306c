"""Which run to go back to, and its program."""

from trellis.blueprint import Blueprint
from trellis.environments.project import Project
from trellis.errors import PolicyError, TrellisError, UsageError
from trellis.revisions.blueprints import evaluated
from trellis.revisions.programs import Program
from trellis.revisions.programs import written as written_by_git
from trellis.revisions.repository import opened
from trellis.rollback.archive import LARGEST, MOST, written
from trellis.state.programs import KeptProgram
from trellis.state.store import Store


def chosen_run(store: Store, environment: str, to: int | None) -> int:
    """The run that is meant.

    Args:
        store: the open journal.
        environment: its name.
        to: the run that was named; None for the last one that was applied whole when the newest one was not, else for
            the one before with another blueprint.

    Raises:
        UsageError: there is no such run, or none to go back to.
    """
    kept = store.programs.runs(environment)
    if to is not None:
        if to in {run for run, _ in kept}:
            return to
        raise UsageError(f"run {to} is none that {environment} can go back to", hint=_instead(kept))
    newest = store.history(environment, 1, refused=False)
    if kept and newest and newest[0].number != kept[0][0]:
        return kept[0][0]  # what came after it failed, was killed or cancelled
    earlier = [run for run, blueprint in kept if blueprint != kept[0][1]]
    if not earlier:
        raise UsageError(f"there is nothing that {environment} could go back to", hint=_instead(kept))
    return earlier[0]


def _instead(kept: tuple[tuple[int, str], ...]) -> str:
    runs = ", ".join(str(run) for run, _ in kept[:8])
    return f"there are runs {runs}: trellis rollback --to RUN" if kept else "trellis history shows what was run"


def program_again(project: Project, kept: KeptProgram) -> Program:
    """The program of a run, in a folder of its own.

    Raises:
        PolicyError: it was too much to be kept.
    """
    if kept.tree:
        with opened(project.root) as repository:
            return written_by_git(repository, project, kept.tree)
    if not kept.files:
        raise PolicyError(
            f"the program of run {kept.run} was not kept: its folder has more than {MOST >> 20} MiB of files up to "
            f"{LARGEST >> 20} MiB",
            hint="put the project into git (git init): then every run's program is kept there",
        )
    return written(project, kept.files)


def blueprint_before(project: Project, store: Store, environment: str, run: int) -> Blueprint | None:
    """The blueprint that an environment would go back from.

    That is what the newest run that was kept had; when that is the one to go back to, what came after it failed, and
    the working tree is what it wanted. None when it cannot be told any more.
    """
    newest = store.programs.runs(environment)[0][0]
    kept = store.programs.find(newest)
    try:
        if newest == run or kept is None:
            return evaluated(Program(project.root, project.stack_file))
        return evaluated(program_again(project, kept))
    except TrellisError:
        return None
