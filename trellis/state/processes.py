"""Who runs this process, and whether another one on this machine is gone for certain."""

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED = ("Z", "X", "x")  # proc(5): zombie, dead
ON_BEHALF_OF = "TRELLIS_ON_BEHALF_OF"
"""The environment variable with which a console says for whom it runs a command; it is told, and gives no right."""

_LONGEST_CLIENT = 300


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock.

    Attributes:
        who: ``user@machine``.
        pid: the process.
        command: its command line, masked.
        identity: tells this very process from every other one, on this machine and on others; empty where
            the system does not say (no /proc).
    """

    who: str
    pid: int
    command: str
    identity: str = ""

    def __str__(self) -> str:
        """``ann@desk (pid 4711, trellis up)``."""
        return f"{self.who} (pid {self.pid}, {self.command})"


def this_process(command: str) -> Holder:
    """The holder that this process is."""
    pid = os.getpid()
    return Holder(operator(), pid, command, _identity(pid))


def operator() -> str:
    """``user@machine``, and for whom, when a client of a console asked; the user's number where it has no name."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # Python 3.13 raises OSError, earlier ones KeyError
        user = str(os.getuid())
    client = " ".join(os.environ.get(ON_BEHALF_OF, "").split())[:_LONGEST_CLIENT]
    return f"{user}@{socket.gethostname()}{f' for {client}' if client else ''}"


def is_gone(holder: Holder) -> bool:
    """True when the holder ran on this machine, since its last boot, and has ended; False when in doubt.

    The boot, the process namespace and the process's start time are compared (proc(5)), so a reused process
    number or a container of the same host name is never mistaken for the holder.
    """
    if not holder.identity or _machine() != holder.identity.rpartition("/")[0]:
        return False
    return _identity(holder.pid) != holder.identity


def _identity(pid: int) -> str:
    """``boot/namespace/start time``; empty when it cannot be told or the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
    except OSError:
        return ""
    machine = _machine()
    return f"{machine}/{fields[19]}" if machine and fields[0] not in _ENDED else ""


def _machine() -> str:
    try:
        return f"{_BOOT_ID.read_text(encoding='ascii').strip()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
