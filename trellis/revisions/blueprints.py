"""The blueprint of a commit: its program, written to a folder, loaded and evaluated."""

from trellis.blueprint import Blueprint
from trellis.environments.project import Project
from trellis.evaluating import evaluate
from trellis.loading import load_stack
from trellis.revisions.programs import Program, written
from trellis.revisions.repository import Repository


def blueprint_of(repository: Repository, project: Project, commit: str) -> Blueprint:
    """The blueprint of a commit or tree.

    Raises:
        StackError: its program is at fault.
    """
    return evaluated(written(repository, project, commit))


def evaluated(program: Program) -> Blueprint:
    """The blueprint of a program."""
    return evaluate(load_stack(program.stack_file), program.root)
