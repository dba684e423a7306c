"""Looks at every host of an environment at once: facts, what others use, and what keeps a host from being used."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from trellis.errors import TrellisError
from trellis.facts.gathering import gather_facts
from trellis.facts.judging import Shortcoming, shortcomings, with_foreign_use
from trellis.hosts import ForeignUse, Host, HostFacts, HostSession, Interface
from trellis.plugin.contracts import CountsForeignUse, Scope
from trellis_dsl.quantities import format_bytes

Connect = Callable[[Host], Awaitable[HostSession]]
_PLAIN = ("cpus", "memory", "disk", "os", "kernel", "docker", "account", "data_dir")
"""Facts that are JSON values as they are."""

_EVERYTHING_IS_FOREIGN = Scope(stack="", environment="")


@dataclass(frozen=True, slots=True)
class HostScan:
    """What one look at a host found.

    Attributes:
        host: the host's name.
        at: when, in UTC.
        facts: what it is like; None when it could not be asked.
        shortcomings: what keeps it from running services.
        failure: why it could not be asked; empty when it was.
    """

    host: str
    at: datetime
    facts: HostFacts | None = None
    shortcomings: tuple[Shortcoming, ...] = ()
    failure: str = ""
    hint: str = ""

    @property
    def usable(self) -> bool:
        """Whether services can be placed there."""
        return self.facts is not None and not self.shortcomings


async def scan_hosts(
    hosts: Sequence[Host],
    connect: Connect,
    counters: Sequence[CountsForeignUse] = (),
    scope: Scope = _EVERYTHING_IS_FOREIGN,
    parallel: int = 50,
) -> tuple[HostScan, ...]:
    """Scan hosts at the same time; one that cannot be asked is a scan with a failure, not an error.

    Args:
        hosts: whom to ask.
        connect: opens a session on one.
        counters: providers that count what others use there.
        scope: whose resources are not foreign; by default everything is.
        parallel: how many are asked at once.
    """
    slots = asyncio.Semaphore(parallel)

    async def scan(host: Host) -> HostScan:
        async with slots:
            return await _scan_host(host, connect, counters, scope)

    return tuple(await asyncio.gather(*(scan(host) for host in hosts)))


async def _scan_host(host: Host, connect: Connect, counters: Sequence[CountsForeignUse], scope: Scope) -> HostScan:
    try:
        session = await connect(host)
        try:
            facts = await gather_facts(session, tools=True)
            if facts.docker:
                facts = with_foreign_use(facts, await _foreign_use(session, counters, scope), ())
        finally:
            await session.close()
    except TrellisError as error:
        return HostScan(host.name, datetime.now(UTC), failure=str(error), hint=error.hint or "")
    return HostScan(host.name, datetime.now(UTC), facts, _with_bootstrap(host.name, shortcomings(facts)))


async def _foreign_use(session: HostSession, counters: Sequence[CountsForeignUse], scope: Scope) -> ForeignUse:
    used = [await counter.foreign_use(session, scope) for counter in counters]
    return ForeignUse(
        sum(one.cpu for one in used),
        sum(one.memory for one in used),
        frozenset(port for one in used for port in one.ports),
    )


def _with_bootstrap(host: str, found: Sequence[Shortcoming]) -> tuple[Shortcoming, ...]:
    """A host without Docker Engine is a command away from having one."""
    missing = "there is no Docker Engine"
    return tuple(
        Shortcoming(one.what, f"trellis host bootstrap {host}") if one.what == missing else one for one in found
    )


def document(scans: Sequence[HostScan]) -> list[Mapping[str, object]]:
    """The scans as JSON values, for ``--json`` and for keeping."""
    return [_entry(scan) for scan in scans]


def _entry(scan: HostScan) -> Mapping[str, object]:
    return {
        "name": scan.host,
        "at": scan.at.isoformat(timespec="seconds"),
        "reachable": scan.facts is not None,
        "usable": scan.usable,
        "failure": scan.failure,
        "shortcomings": [asdict(one) for one in scan.shortcomings],
        "facts": _plain(scan.facts) if scan.facts else None,
    }


def _plain(facts: HostFacts) -> Mapping[str, object]:
    foreign = facts.foreign
    return {
        **{name: getattr(facts, name) for name in _PLAIN},
        "interfaces": [asdict(one) for one in facts.interfaces],
        "listening": [f"{protocol}/{port}" for protocol, port in sorted(facts.listening)],
        "foreign": {
            "cpu": foreign.cpu,
            "memory": foreign.memory,
            "ports": [f"{protocol}/{port}" for protocol, port in sorted(foreign.ports)],
        },
        "extra": dict(facts.extra),
    }


HEADINGS = ("HOST", "SYSTEM", "CPUS", "MEMORY", "FREE DISK", "DOCKER", "ACCOUNT", "FACES", "OTHERS USE")
"""Of the table that `row` gives the lines of."""


def row(scan: HostScan) -> tuple[str, ...]:
    """The scan as a line of a table; what is not known is a hyphen."""
    facts = scan.facts
    if facts is None:
        return (scan.host, "unreachable", *["-"] * (len(HEADINGS) - 2))
    return (
        scan.host,
        facts.os or "-",
        "-" if facts.cpus is None else f"{facts.cpus:g}",
        "-" if facts.memory is None else format_bytes(facts.memory),
        "-" if facts.disk is None else format_bytes(facts.disk),
        facts.docker or "-",
        facts.account,
        "internet" if any(one.internet_facing for one in facts.interfaces) else "private",
        _others(facts.foreign),
    )


def _others(use: ForeignUse) -> str:
    parts = [
        f"{use.cpu:g} cpus" if use.cpu else "",
        format_bytes(use.memory) if use.memory else "",
        ", ".join(f"{protocol}/{port}" for protocol, port in sorted(use.ports)),
    ]
    return "; ".join(part for part in parts if part) or "-"


def remarks(scan: HostScan) -> tuple[tuple[str, str], ...]:
    """What is to be said about a host beside its line: sentences, each with what to do about it."""
    if scan.failure:
        return ((scan.failure, scan.hint),)
    return tuple((f"{scan.host}: {one.what}", one.hint) for one in scan.shortcomings)


def facts_of(entry: Mapping[str, Any]) -> HostFacts | None:
    """The facts in a kept scan; None when the host could not be asked, or another version kept it."""
    found = entry.get("facts")
    if not isinstance(found, Mapping):
        return None
    try:
        foreign = found["foreign"]
        return HostFacts(
            **{name: found[name] for name in _PLAIN},
            foreign=ForeignUse(foreign["cpu"], foreign["memory"], _pairs(foreign["ports"])),
            interfaces=tuple(
                Interface(one["name"], tuple(one["addresses"]), one["internet_facing"], one["default_route"])
                for one in found["interfaces"]
            ),
            listening=_pairs(found["listening"]),
            extra=dict(found["extra"]),
        )
    except (KeyError, TypeError):
        return None


def _pairs(texts: Sequence[str]) -> frozenset[tuple[str, int]]:
    """``tcp/80`` as protocol and port."""
    return frozenset((text.partition("/")[0], int(text.partition("/")[2])) for text in texts)


def last_seen(entry: Mapping[str, Any] | None, now: datetime) -> str:
    """``last scanned 2 hours ago: debian 12, 2 cpus, Docker 20.10.24``; empty when it never answered a scan."""
    facts = facts_of(entry) if entry else None
    if entry is None or facts is None:
        return ""
    cpus = "" if facts.cpus is None else f"{facts.cpus:g} cpus"
    parts = (facts.os, cpus, f"Docker {facts.docker}" if facts.docker else "no Docker")
    ago = _ago((now - datetime.fromisoformat(str(entry["at"]))).total_seconds())
    return f"last scanned {ago}: {', '.join(part for part in parts if part)}"


def _ago(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"
