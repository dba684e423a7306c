"""The plugin's scripts as commands, and what their answers mean."""

from collections.abc import Sequence
from pathlib import Path

from trellis.errors import ApplyError
from trellis.hosts import Completed
from trellis.plans import Step

_SCRIPTS = Path(__file__).parent / "scripts"
_REFUSED = 3


def script(name: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """A command that runs one of the scripts; data are its arguments."""
    return ("sh", "-c", text_of(name), f"trellis-files-{name}", *arguments)


def text_of(name: str) -> str:
    """One of the scripts."""
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def check(completed: Completed, step: Step, what: str) -> None:
    """Raise `ApplyError` when the script failed."""
    if completed.status == 0:
        return
    reason = completed.stderr.strip() or f"status {completed.status}"
    hint = "move it away on that host" if completed.status == _REFUSED else "what was there before is unchanged"
    raise ApplyError(f"{step.key.name} {what}: {reason}", where=f"host {step.key.host}", hint=hint)
