"""Throwaway hosts as containers: `trellis lab`, and `Lab` for tests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl
from trellis.plugin.commands import CommandSpec

if TYPE_CHECKING:
    from trellis_lab.lab import Lab as Lab
    from trellis_lab.model import LabHost as LabHost

__all__ = ["Lab", "LabHost", "trellis_commands"]


@hookimpl
def trellis_commands() -> Sequence[CommandSpec]:
    """The command group ``lab``."""
    return (CommandSpec("lab", "trellis_lab.cli:lab", "throwaway hosts to try a stack on"),)


def __getattr__(name: str) -> object:
    """`Lab` and `LabHost`, imported when asked for: every start of the command line imports this module."""
    if name == "Lab":
        from trellis_lab.lab import Lab

        return Lab
    if name == "LabHost":
        from trellis_lab.model import LabHost

        return LabHost
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
