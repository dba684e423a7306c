"""Where in the user's program something was declared."""

import sys
from dataclasses import dataclass
from pathlib import Path

_OWN_FOLDER = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A file and a line; `within` names the class and attribute when they are known."""

    file: str
    line: int
    within: str = ""

    def __str__(self) -> str:
        """``stack.py:41 (Website.http)``."""
        return f"{self.file}:{self.line}" + (f" ({self.within})" if self.within else "")


def caller() -> Location:
    """The nearest frame outside this package: the line of the user's program that called in."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to read the calling line cheaply
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_FOLDER):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)
