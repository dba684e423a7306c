"""What is sent to a host's shell, as text made in one place, and what its answers mean."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

USUAL_SOCKET = "/var/run/docker.sock"
GRACE = 5
"""Seconds between asking a command that is late to end and killing it."""
LATE_STATUS = frozenset({124, 137})
"""How timeout(1) ends when the command was late; 137 when it had to be killed."""


class Elevation(StrEnum):
    """How a command becomes root's."""

    NONE = "none"  # it stays the account's
    FREE = "free"  # sudo asks for nothing
    PASSWORD = "password"  # noqa: S105 - the name of a way, not a password


@dataclass(frozen=True, slots=True)
class Markers:
    """Words on standard error that say what sudo is doing; new for each command, so that no output fakes them.

    Attributes:
        ask: sudo wants the password now.
        go: sudo is done and the command starts.
    """

    ask: str
    go: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do on its host.

    Attributes:
        user: its name.
        root: it is root.
        free_sudo: sudo asks it for no password.
        sudo: there is a sudo at all.
        socket: the engine's socket, empty when none was found.
        socket_open: the account may use it.
        dial: the program that can relay to the socket: ``docker``, ``socat`` or empty.
    """

    user: str
    root: bool = False
    free_sudo: bool = False
    sudo: bool = False
    socket: str = ""
    socket_open: bool = False
    dial: str = ""


# Data comes as "$@": paths of sockets to look for. One line an answer, in the order of `parse_rights`.
_RIGHTS = """
id -un; id -u
command -v sudo >/dev/null 2>&1 && echo sudo || echo none
sudo -n true >/dev/null 2>&1 && echo free || echo asks
for socket in "$@" "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"; do
    test -S "$socket" && break
    socket=
done
echo "$socket"
test -w "$socket" && echo open || echo closed
for program in docker socat; do
    command -v $program >/dev/null 2>&1 && break
    program=
done
echo "$program"
"""


def rights_command(docker_socket: str) -> list[str]:
    """A command that tells what the account may do."""
    return ["sh", "-c", _RIGHTS, "sh", docker_socket or USUAL_SOCKET]


def parse_rights(output: str) -> Rights:
    """What `rights_command` printed."""
    user, uid, sudo, free, socket, is_open, dial = (output.splitlines() + [""] * 7)[:7]
    return Rights(user, uid == "0", free == "free", sudo == "sudo", socket, is_open == "open", dial)


_ANNOUNCE = 'printf %s "$0" >&2; exec "$@"'


def past_sudo(stderr: str, markers: Markers) -> str | None:
    """What the command itself wrote to standard error; None when sudo never started it."""
    _, started, rest = stderr.partition(markers.go)
    return rest if started else None


def command_line(argv: Sequence[str], elevation: Elevation, markers: Markers, timeout: float | None = None) -> str:
    """The one line that a host's shell gets: every argument quoted, with its deadline and sudo.

    The deadline holds on the host itself, so that a command ends even when the connection is gone. The password goes
    over standard input and only when sudo asks: an account that it does not ask would hand it to the command.
    """
    limited = list(argv) if timeout is None else ["timeout", "-k", str(GRACE), f"{timeout:g}", *argv]
    match elevation:
        case Elevation.NONE:
            words = limited
        case Elevation.FREE:
            words = ["sudo", "-n", "--", "sh", "-c", _ANNOUNCE, markers.go, *limited]
        case Elevation.PASSWORD:
            words = ["sudo", "-k", "-S", "-p", markers.ask, "--", "sh", "-c", _ANNOUNCE, markers.go, *limited]
    return shlex.join(words)


def dial_command(rights: Rights) -> list[str]:
    """A command that relays its standard input and output to the engine's socket; rights must name a program."""
    if rights.dial == "docker":
        return ["docker", "--host", f"unix://{rights.socket}", "system", "dial-stdio"]
    return ["socat", "STDIO", f"UNIX-CONNECT:{rights.socket}"]
