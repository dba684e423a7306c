"""Two rulesets compared and united: what is opened before instances start, and closed after they stopped; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from trellis.firewall.addressing import split_families
from trellis.firewall.model import Allowance, Exit, Guard, Limit, Ruleset, Target, united

_MOST = 4

Key = tuple[str, int, str]


def union(old: Ruleset, new: Ruleset) -> Ruleset:
    """What lets through all that the old or the new one lets through, for what either of them knows."""
    if old == new:
        return new
    return Ruleset(
        guards=tuple(sorted(_united_guards(old.guards, new.guards))),
        exits=tuple(sorted(_united_exits(old.exits, new.exits))),
        # Where the environment limits nothing any more, what starts now must not be limited either.
        limits=tuple(sorted(_united_limits(old.limits, new.limits))) if new.limits else (),
        openings=tuple(sorted({*old.openings, *new.openings})),
        exclusive=old.exclusive and new.exclusive,
        ssh_ports=tuple(sorted({*old.ssh_ports, *new.ssh_ports})),
    )


def _united_guards(old: Iterable[Guard], new: Iterable[Guard]) -> Iterator[Guard]:
    before, after = by_port(old), by_port(new)
    for key in before.keys() | after.keys():
        guard = after.get(key) or before[key]
        both = [side[key] for side in (before, after) if key in side]
        yield replace(guard, allowed=_united_allowances(item for one in both for item in one.allowed))


def _united_allowances(found: Iterable[Allowance]) -> tuple[Allowance, ...]:
    by_reason: dict[str, list[Allowance]] = {}
    for allowance in found:
        by_reason.setdefault(allowance.why, []).append(allowance)
    return tuple(
        Allowance(united(one.networks for one in same), united(one.containers for one in same), why)
        for why, same in sorted(by_reason.items())
    )


def _united_exits(old: Iterable[Exit], new: Iterable[Exit]) -> Iterator[Exit]:
    before, after = ({(one.protocol, one.why): one for one in side} for side in (old, new))
    for key in before.keys() | after.keys():
        both = [side[key] for side in (before, after) if key in side]
        ends = tuple(sorted({end for one in both for end in one.ends}))
        yield replace(both[-1], ends=ends, containers=united(one.containers for one in both))


def _united_limits(old: Iterable[Limit], new: Iterable[Limit]) -> Iterator[Limit]:
    before, after = ({limit.instance: limit for limit in side} for side in (old, new))
    for name in before.keys() | after.keys():
        both = [side[name] for side in (before, after) if name in side]
        targets = {target for one in both for target in one.allowed}
        yield replace(both[-1], allowed=tuple(sorted(targets)))


def by_port(guards: Iterable[Guard]) -> dict[Key, Guard]:
    """Guards by what they guard."""
    return {(guard.protocol, guard.port, guard.address): guard for guard in guards}


def same(one: Ruleset, other: Ruleset) -> bool:
    """Whether both let through the same; reasons do not count."""
    return one == other or _essence(one) == _essence(other)


def _essence(rules: Ruleset) -> object:
    return (
        {key: _who(guard) for key, guard in by_port(rules.guards).items()},
        {(one.protocol, one.ends, one.containers) for one in rules.exits},
        {limit.containers: _what(limit.allowed) for limit in rules.limits},
        {(one.protocol, one.port, one.networks) for one in rules.openings},
        rules.exclusive,
        rules.ssh_ports,
    )


def _who(guard: Guard) -> object:
    networks = split_families(united(one.networks for one in guard.allowed))
    return networks, united(one.containers for one in guard.allowed)


def _what(targets: Iterable[Target]) -> object:
    by_port: dict[tuple[str, int], list[tuple[str, ...]]] = {}
    for target in targets:
        by_port.setdefault((target.protocol, target.port), []).append(target.networks)
    return {key: split_families(united(found)) for key, found in by_port.items()}


def differences(old: Ruleset, new: Ruleset) -> tuple[str, ...]:
    """What changes from the old to the new one, a sentence each."""
    return (
        *_guard_differences(by_port(old.guards), by_port(new.guards)),
        *_exit_differences(old.exits, new.exits),
        *_limit_differences(old.limits, new.limits),
        *_other_differences(old, new),
    )


def _guard_differences(old: Mapping[Key, Guard], new: Mapping[Key, Guard]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if key not in new:
            yield f"{described(old[key])} is gone"
        elif key not in old:
            yield f"guards {described(new[key])}"
        elif _who(old[key]) != _who(new[key]):
            yield from _peer_differences(old[key], new[key])


def described(guard: Guard) -> str:
    """``tcp 20001 (mariadb-1 MariaDB.sql)``."""
    return f"{guard.protocol} {guard.port} ({guard.serves})"


def _peer_differences(old: Guard, new: Guard) -> Iterator[str]:
    before, after = _peers(old), _peers(new)
    if more := after - before:
        yield f"opens {described(new)} to {_listed(more)}"
    if less := before - after:
        yield f"closes {described(new)} to {_listed(less)}"


def _peers(guard: Guard) -> set[str]:
    macs = {"containers on this host" for one in guard.allowed if one.containers}
    return {network for one in guard.allowed for network in one.networks} | macs


def _exit_differences(old: Iterable[Exit], new: Iterable[Exit]) -> Iterator[str]:
    before, after = ({end: one for one in side for end in one.ends} for side in (old, new))
    more = {f"{after[end].protocol} {end[1]} of {end[0]}" for end in after.keys() - before.keys()}
    less = {f"{before[end].protocol} {end[1]} of {end[0]}" for end in before.keys() - after.keys()}
    if more:
        yield f"only clients' containers reach {_listed(more)}"
    if less:
        yield f"no longer minds {_listed(less)}"
    if any(before[end].containers != after[end].containers for end in before.keys() & after.keys()):
        yield "other containers are clients"


def _limit_differences(old: Iterable[Limit], new: Iterable[Limit]) -> Iterator[str]:
    before, after = ({limit.instance: limit for limit in side} for side in (old, new))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name} is no longer limited"
        elif name not in before:
            yield f"limits what {name} may connect to"
        elif _what(before[name].allowed) != _what(after[name].allowed):
            yield f"what {name} may connect to changes"


def _other_differences(old: Ruleset, new: Ruleset) -> Iterator[str]:
    if old.exclusive != new.exclusive:
        yield "closes every other port" if new.exclusive else "leaves other ports alone"
    if old.openings != new.openings:
        yield "ports of the host's own change"
    if old.ssh_ports != new.ssh_ports:
        yield f"Trellis comes in at port {', '.join(map(str, new.ssh_ports))}"


def summary(sentences: Iterable[str]) -> str:
    """The first few of them in one."""
    every = list(sentences)
    more = f"; and {len(every) - _MOST} more" if len(every) > _MOST else ""
    return "; ".join(every[:_MOST]) + more


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    more = f" and {len(every) - _MOST} more" if len(every) > _MOST else ""
    return ", ".join(every[:_MOST]) + more
