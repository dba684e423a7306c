"""An override: one attribute of the stack, and the value that stands instead of the program's."""

from dataclasses import dataclass

OVERRIDES_FILE = "overrides.yaml"
HEADER = "# Holds over what the stack says; written by `trellis set`.\n"


@dataclass(frozen=True, slots=True)
class Override:
    """One attribute that is overridden.

    Attributes:
        key: ``Website.image``.
        value: what holds.
        instead_of: what the program says, as text.
        line: in the file.
    """

    key: str
    value: object
    instead_of: str
    line: int

    @property
    def where(self) -> str:
        """``overrides.yaml:3``."""
        return f"{OVERRIDES_FILE}:{self.line}"
