"""How much of a working tree is put into git by a run that applies it: what is kept there is kept for ever."""

import os
from collections.abc import Sequence
from pathlib import Path

from trellis.errors import PolicyError
from trellis_dsl.quantities import format_bytes

MOST = 64 << 20
"""Bytes of files that are not committed, together."""

_NAMED = 3


def refuse_too_large(root: Path, files: Sequence[str]) -> None:
    """Refuse to store files that are too much together.

    Args:
        root: what their paths are relative to.
        files: those that differ from what is committed.

    Raises:
        PolicyError: they are; the largest are named.
    """
    sizes = {file: _size(root / file) for file in files}
    total = sum(sizes.values())
    if total <= MOST:
        return
    largest = sorted(sizes, key=lambda file: -sizes[file])[:_NAMED]
    named = ", ".join(f"{file} ({format_bytes(sizes[file])})" for file in largest)
    what = f"{format_bytes(total)} of files here are not committed, and git would keep them for ever: {named}"
    raise PolicyError(
        f"{what}; {format_bytes(MOST)} are the most", where=str(root), hint="name them in .gitignore, or commit them"
    )


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # it was removed
        return 0
