"""Records who was refused, what for and why: in a file that is only added to, and for whoever watches the console."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from trellis.console.deciding import Decision
from trellis.environments.project import Project
from trellis.errors import ConfigError

_BYTES = 1024 * 1024
_FILES = 4
_LONGEST = 200


def journal_file(project: Project, environment: str) -> Path:
    """Where a console records; older parts have a number at the end."""
    return project.root / ".trellis" / "console" / f"{environment}.log"


class Journal:
    """Adds a line a refusal; beyond four files of a mebibyte, the oldest goes, so that no caller can fill the disk.

    Args:
        project: whose console it is.
        environment: what it serves.
        tell: shows a sentence to whoever watches.
        chronicle: puts refusals into the environment's history, too.
    """

    def __init__(
        self,
        project: Project,
        environment: str,
        tell: Callable[[str], None],
        chronicle: Callable[[str, str, str], None],
    ) -> None:
        file = journal_file(project, environment)
        try:
            _closed_folder(file.parent.parent)
            _closed_folder(file.parent)
            (file.parent / ".gitignore").write_text("*\n", encoding="ascii")
            file.touch(mode=0o600)
            self._handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_FILES - 1, encoding="utf-8")
        except OSError as fault:
            raise ConfigError(f"refusals cannot be recorded: {fault.strerror}", where=str(file)) from fault
        self._tell, self._chronicle = tell, chronicle

    def refused(self, method: str, path: str, client: str, decision: Decision) -> None:
        """Record a refusal."""
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "status": decision.status,
            "method": method[:_LONGEST],
            "path": path[:_LONGEST],
            "client": client,
            "who": decision.who,
            "why": decision.why,
        }
        self._handler.emit(logging.LogRecord("console", logging.INFO, "", 0, json.dumps(entry), None, None))
        self.told(f"refused with {decision.status}: {sentence(entry)}")
        if decision.status == 403:
            asked = f"console: {entry['method']} {entry['path']}"
            self._chronicle(asked, f"{decision.who} at {client}", f"refused with 403: {decision.why}")

    def told(self, text: str) -> None:
        """Show a sentence, in one line."""
        self._tell(" ".join(text.split()))

    def close(self) -> None:
        """End writing."""
        self._handler.close()


def _closed_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def sentence(entry: dict[str, Any]) -> str:
    """A refusal in one line."""
    return f"{entry['method']} {entry['path']} by {entry['who']} at {entry['client']}: {entry['why']}"


def refusals(project: Project, environment: str) -> Iterator[dict[str, Any]]:
    """What was refused, oldest first; a line that was cut off is left out."""
    file = journal_file(project, environment)
    parts = [file.with_name(f"{file.name}.{number}") for number in range(_FILES - 1, 0, -1)]
    for part in (*parts, file):
        for line in part.read_text(errors="replace").splitlines() if part.is_file() else ():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry
