"""Keeps with a run what is needed to come back to it."""

from typing import TYPE_CHECKING

from trellis.rollback.archive import files_of
from trellis.state.programs import KeptProgram
from trellis.values import masked

if TYPE_CHECKING:
    from trellis.pipeline import Bound


def kept_program(bound: "Bound", run: int, content: str) -> KeptProgram:
    """What is kept of a run.

    Args:
        bound: what was applied.
        run: its number.
        content: the tree that git has of the program; empty without git, where the files themselves are kept.
    """
    config = masked(dict(bound.environment.config))
    files = {} if content else files_of(bound.program.root)
    return KeptProgram(run, bound.blueprint.digest, config if isinstance(config, dict) else {}, content, files)
