"""Installs Docker Engine on a host that lacks it: decided first, as commands that are shown, then done."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trellis.errors import ApplyError, NotAuthorisedError, TrellisError
from trellis.hosts import HostFacts, HostSession

_PACKAGES = ("docker.io", "containerd", "runc", "iptables", "nftables", "ca-certificates")
# Debian 13 and later ship the client in a package of its own.
_INSTALL = """
set -e
if apt-cache show docker-cli >/dev/null 2>&1; then set -- "$@" docker-cli; fi
exec apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@"
"""
_WAIT = "until docker version; do sleep 0.5; done >/dev/null 2>&1"
_LONGEST = 900.0


@dataclass(frozen=True, slots=True)
class HostCommand:
    """One command that is run as root on a host.

    Attributes:
        argv: the command.
        why: what it does, for people.
        timeout: seconds that it may take.
    """

    argv: tuple[str, ...]
    why: str
    timeout: float = _LONGEST

    def __str__(self) -> str:
        return f"{self.why}: {shlex.join(self.argv)}"


def plan_bootstrap(host: str, facts: HostFacts) -> tuple[HostCommand, ...]:
    """What has to be run as root on a host so that it has a Docker Engine; nothing when it has one. Pure.

    Raises:
        NotAuthorisedError: the account is neither root nor has sudo.
        TrellisError: the system is none that we know how to set up.
    """
    if facts.docker:
        return ()
    if facts.account.endswith(" plain"):
        raise NotAuthorisedError(
            f"the account {facts.account.removesuffix(' plain')} on {host} cannot install anything",
            hint="use an account with sudo, or install Docker Engine there by hand",
        )
    silent = facts.extra.get("docker_problem") == "silent"
    return (*(() if silent else _installing(host, facts)), *_starting(facts))


def _installing(host: str, facts: HostFacts) -> tuple[HostCommand, ...]:
    if facts.os.partition(" ")[0] not in {"debian", "ubuntu"}:
        raise TrellisError(
            f"{host} runs {facts.os or 'an unknown system'}; only Debian and Ubuntu are set up from here",
            hint="install Docker Engine 20.10 or later there by hand, then: trellis scan",
        )
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive")
    return (
        HostCommand((*quiet, "apt-get", "update", "-qq"), "read the lists of packages"),
        HostCommand((*quiet, "sh", "-c", _INSTALL, "sh", *_PACKAGES), f"install {', '.join(_PACKAGES)}"),
    )


def _starting(facts: HostFacts) -> tuple[HostCommand, ...]:
    systemd = facts.extra.get("init") == "systemd"
    start = ("systemctl", "enable", "--now", "docker") if systemd else ("service", "docker", "start")
    return (
        HostCommand(start, "start Docker Engine, now and at every boot"),
        HostCommand(("timeout", "60", "sh", "-c", _WAIT), "wait until it answers", 90.0),
    )


async def bootstrap(
    session: HostSession, commands: Sequence[HostCommand], report: Callable[[HostCommand], None]
) -> None:
    """Run the commands one after another.

    Raises:
        ApplyError: one failed; the later ones were not run.
    """
    for command in commands:
        report(command)
        ended = await session.run(command.argv, sudo=True, timeout=command.timeout)
        if ended.status:
            said = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-5:])
            raise ApplyError(
                f"{command.why} failed on {session.host.name} with status {ended.status}: {said}",
                hint=f"see to it there, then: trellis host bootstrap {session.host.name}",
            )
