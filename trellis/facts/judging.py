"""What facts mean for placing services on a host: foreign use, and what the host lacks; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from trellis.hosts import ForeignUse, HostFacts
from trellis.resources import Actual

_ALIVE = ("running", "restarting", "paused")
_LEAST_MEMORY = 256 << 20
_LEAST_KERNEL = (4, 18)
_LEAST_DOCKER = (20, 10)


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Why a host cannot be used, or not well, and what to do about it."""

    what: str
    hint: str


def with_foreign_use(facts: HostFacts, use: ForeignUse, actuals: Iterable[Actual]) -> HostFacts:
    """The facts with what others use: containers' limits, and every port that is taken but not by our containers.

    Args:
        facts: as gathered.
        use: what a provider says about foreign containers.
        actuals: what Trellis has on that host.
    """
    ports = use.ports | (facts.listening - own_ports(actuals))
    return replace(facts, foreign=ForeignUse(use.cpu, use.memory, frozenset(ports)))


def own_ports(actuals: Iterable[Actual]) -> frozenset[tuple[str, int]]:
    """The (protocol, port) pairs that Trellis's own containers take on their host; those that are stopped take none."""
    ports: list[Any] = [
        port
        for actual in actuals
        if actual.key.kind == "container" and not actual.foreign and actual.state.get("status") in _ALIVE
        for port in actual.state.get("ports") or ()  # type: ignore[union-attr]  # a tuple, as its provider made it
    ]
    return frozenset((str(port["protocol"]), int(port["host_port"])) for port in ports)


def shortcomings(facts: HostFacts) -> tuple[Shortcoming, ...]:
    """What keeps the host from running services, worst first; empty when all is well."""
    return tuple(found for found in (_docker(facts), _kernel(facts), _memory(facts), _rights(facts)) if found)


def _docker(facts: HostFacts) -> Shortcoming | None:
    if facts.docker:
        if _numbers(facts.docker) >= _LEAST_DOCKER:
            return None
        return Shortcoming(f"Docker Engine {facts.docker} is too old: 20.10 is the oldest that works", "upgrade it")
    match facts.extra.get("docker_problem"):
        case "denied":
            return Shortcoming(
                "the account may not use Docker Engine", "sudo usermod -aG docker $(id -un) there, then log in again"
            )
        case "silent":
            return Shortcoming("Docker Engine does not answer", "start it there: sudo systemctl start docker")
    return Shortcoming("there is no Docker Engine", "install it there: sudo apt-get install docker.io")


def _kernel(facts: HostFacts) -> Shortcoming | None:
    if not facts.kernel or _numbers(facts.kernel) >= _LEAST_KERNEL:
        return None
    return Shortcoming(f"kernel {facts.kernel} is too old: 4.18 is the oldest that works", "upgrade the system")


def _memory(facts: HostFacts) -> Shortcoming | None:
    if facts.memory is None or facts.memory >= _LEAST_MEMORY:
        return None
    return Shortcoming(f"{facts.memory >> 20} MiB of memory is too little: 256 MiB is the least", "give it more")


def _rights(facts: HostFacts) -> Shortcoming | None:
    if not facts.account.endswith(" plain"):
        return None
    hint = "give it sudo, or use only services that need no files of root and no ports below 1024"
    return Shortcoming(f"the account {facts.account.removesuffix(' plain')} has neither root nor sudo", hint)


def _numbers(version: str) -> tuple[int, ...]:
    """``6.1.0-18-amd64`` as (6, 1, 0)."""
    plain = version.partition("-")[0].partition("+")[0].partition("~")[0]
    return tuple(int(part) for part in plain.split(".") if part.isdecimal())
