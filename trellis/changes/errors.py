"""How two sides that contradict each other are refused: with both of them."""

from collections.abc import Sequence

from trellis.errors import TrellisError
from trellis.revisions.merging import Conflict


class ConflictError(TrellisError):
    """Two sides contradict each other; nothing was changed.

    Args:
        what: who does not fit on whom.
        conflicts: where, and what each side says.
        hint: the next command.
    """

    def __init__(self, what: str, conflicts: Sequence[Conflict], *, hint: str | None = None) -> None:
        self.conflicts = tuple(conflicts)
        lines = [line for conflict in conflicts for line in _lines(conflict)]
        super().__init__("\n".join([what, *lines]), hint=hint)


def _lines(conflict: Conflict) -> list[str]:
    """The place, then both sides, each of them indented under its name."""
    ours, theirs = (side.replace("\n", "\n            ") for side in (conflict.ours, conflict.theirs))
    return [f"    {conflict.where}", f"      here: {ours}", f"      there: {theirs}"]
