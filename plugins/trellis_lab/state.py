"""Where labs keep their keys, and who may touch a lab now."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trellis.errors import LockedError
from trellis_lab.model import Access


def state_folder() -> Path:
    """The folder of all labs of this account: ``~/.local/state/trellis/labs`` (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    return Path(base) / "trellis" / "labs"


def access(lab: str) -> Access:
    """Where one lab's keys are."""
    return Access(state_folder() / lab)


def owner() -> str:
    """Names this account on this machine, in `trellis_lab.model.OWNER_LABEL`."""
    return f"{socket.gethostname()}:{state_folder()}"


@contextmanager
def locked(lab: str) -> Iterator[None]:
    """Work on a lab alone.

    Raises:
        LockedError: another process does.
    """
    folder = state_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{lab}.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_current = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except (BlockingIOError, FileNotFoundError):
            is_current = False
        if not is_current:  # held by another process, or just removed by the one that held it
            raise LockedError(f"another process works on the lab {lab}", hint="wait until it is done, or use --name")
        try:
            yield
        finally:
            path.unlink()


def process_mark(pid: int) -> str:
    """A process's id and start, so that a later process with the same id is not taken for it; empty when gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The command's name in field 2 may hold spaces; the start time is field 22 (proc(5)).
    return f"{pid}-{stat.rpartition(')')[2].split()[19]}"


def process_lives(mark: str) -> bool:
    """Whether the marked process still runs."""
    pid = mark.partition("-")[0]
    return pid.isdigit() and process_mark(int(pid)) == mark
