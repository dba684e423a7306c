"""How a plugin names a command without importing it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command of the command line.

    Attributes:
        name: as it is typed.
        target: ``package.module:attribute`` of a click command or group.
        summary: the line that ``trellis --help`` shows.
    """

    name: str
    target: str
    summary: str
