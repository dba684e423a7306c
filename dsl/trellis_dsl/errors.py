"""The error tree: every refusal says what, where and the next step."""

from typing import ClassVar

from trellis_dsl.location import Location


class TrellisError(Exception):
    """Something that a user can act on.

    Args:
        what: one sentence, lower case, without a full stop.
        where: the place at fault, a `Location` or text such as ``environments/prod.yaml: hosts.ny1``.
        hint: the next step, preferably a command.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: Location | str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """The place and the sentence on one line; the hint is for the edge to print."""
        return f"{self.where}: {self.what}" if self.where else self.what


class UsageError(TrellisError):
    """The command, the stack, the configuration or a confirmation is at fault."""

    exit_code = 2


class StackError(UsageError):
    """The stack program is at fault."""
