"""What a host does by itself when it boots: small scripts in one folder, run before the network and Docker are up."""

from pathlib import Path

from trellis.errors import ApplyError
from trellis.hosts import HostSession

FOLDER = "/etc/trellis/boot.d"
"""Hooks lie here, one a file; whatever starts a host runs them all, in the order of their names."""

_SCRIPT = Path(__file__).parent / "hook.sh"


async def boot_hook(session: HostSession, name: str, script: str) -> None:
    """Have a host run a script when it boots; needs root there.

    Args:
        session: the host's open session.
        name: of the hook; one that is there under it is replaced.
        script: POSIX shell, which must be quick and may be run again at any time.

    Raises:
        ApplyError: it could not be written.
    """
    await _run(session, "add", name, script)


async def no_boot_hook(session: HostSession, name: str) -> None:
    """Take a hook away; what runs the hooks goes with the last one.

    Raises:
        ApplyError: it could not be removed.
    """
    await _run(session, "remove", name, "")


async def _run(session: HostSession, action: str, name: str, script: str) -> None:
    text = _SCRIPT.read_text(encoding="utf-8")
    argv = ("sh", "-c", text, "trellis-boot", action, name)
    completed = await session.run(argv, stdin=script.encode(), sudo=True)
    if completed.status != 0:
        raise ApplyError(
            f"what the host does when it boots could not be set: {completed.stderr.strip()}",
            where=f"host {session.host.name}",
        )
