"""Golden files: what a test expects as a whole text, kept beside the tests and rewritten on request."""

import difflib
import os
from pathlib import Path

UPDATE = "TRELLIS_UPDATE_GOLDEN"
"""Set this environment variable to 1 to write what the code gives now; read the difference before you commit it."""


def assert_golden(text: str, path: Path) -> None:
    """Compare a text with the golden file at `path`.

    Raises:
        AssertionError: they differ, or there is no such file; the message is a unified diff and how to update.
    """
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text == expected and path.exists():
        return
    lines = difflib.unified_diff(
        expected.splitlines(keepends=True), text.splitlines(keepends=True), str(path), "what the code gives now"
    )
    raise AssertionError("".join(lines) + f"\nWhere this is right: {UPDATE}=1 pytest …, and read the difference.")
