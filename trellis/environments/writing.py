"""Files replaced whole or not at all."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trellis.errors import ConfigError


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until no other process edits files of the folder, and keep others waiting; no lock file is left."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_file(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace a file in one step; an existing one keeps its mode, and a link stays a link.

    Args:
        path: the file; missing folders are made, closed to others when the file is.
        text: its whole new content.
        mode: permission bits of a file that is new.

    Raises:
        ConfigError: it cannot be written; the old content is still there.
    """
    write_bytes(path, text.encode(), mode=mode)


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """As `write_file`, for any content."""
    try:
        _replace(path.resolve(), content, mode)
    except OSError as fault:
        raise ConfigError(f"cannot be written: {fault.strerror}", where=str(path)) from fault


def _replace(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode & 0o077 == 0 else 0o777)
    if path.exists():
        mode = path.stat().st_mode & 0o777
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
