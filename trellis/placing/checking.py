"""Refuse a problem that is malformed or contradicts itself, before anything is decided."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations

from trellis.errors import ConfigError, DoesNotFitError
from trellis.placing.model import Counting, HostOffer, Needs, Problem, Running, Workload


def check(problem: Problem) -> None:
    """Check what place() is given.

    Raises:
        ConfigError: a value is malformed: negative, not a number, given twice, or a name that does not exist.
        DoesNotFitError: rules contradict each other, or there is no host at all.
    """
    _check_unique("host", [host.name for host in problem.hosts])
    _check_unique("workload", [f"{load.service} of role {load.role}" for load in problem.workloads])
    for host in problem.hosts:
        _check_capacity(host)
    services = {load.service for load in problem.workloads}
    names = {host.name for host in problem.hosts}
    for load in problem.workloads:
        _check_workload(load, services, names)
    _check_company(problem.workloads)
    for running in problem.running:
        _check_running(running)
    if problem.workloads and not problem.hosts:
        raise DoesNotFitError(
            f"there are no hosts to run {len(problem.workloads)} services on",
            where="environment",
            hint="add one: trellis host add NAME",
        )
    _check_role_conflicts(problem)


def _check_unique(kind: str, names: list[str]) -> None:
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise ConfigError(f"{kind} {twice[0]} is there twice", where=twice[0], hint="keep one of the two")


def _check_amount(value: float | None, where: str, *, lowest: float) -> None:
    if value is None:
        return
    if not math.isfinite(value):
        raise ConfigError(f"{value} is not an amount", where=where, hint="give a plain number")
    if value < lowest:
        raise ConfigError(f"{value} is less than nothing", where=where, hint="an amount is 0 or more")


def _each_amount(needs: Needs) -> Iterable[tuple[str, float]]:
    return ("cpu", needs.cpu), ("memory", needs.memory), ("disk", needs.disk), ("network", needs.network)


def _check_capacity(host: HostOffer) -> None:
    # Below 0 is possible: something foreign may use more than the host has left. Then nothing fits there.
    have = host.capacity
    for name, value in (
        ("cpu", have.cpu),
        ("memory", have.memory),
        ("disk", have.disk),
        ("network", have.network),
    ):
        _check_amount(value, f"host {host.name}: capacity.{name}", lowest=-math.inf)


def _check_workload(load: Workload, services: set[str], hosts: set[str]) -> None:
    where = f"service {load.service} of role {load.role}"
    for name, amount in _each_amount(load.needs):
        _check_amount(amount, f"{where}: needs.{name}", lowest=0)
    _check_policy(load, where)
    for host in load.pinned_to:
        _check_known(host, hosts, f"{where}: pinned_to", "host")
    for partner in load.together_with:
        _check_known(partner, services, f"{where}: together_with", "service")


def _check_company(loads: tuple[Workload, ...]) -> None:
    beside: dict[str, set[str]] = {}
    apart: set[frozenset[str]] = set()
    for load in loads:
        beside.setdefault(load.service, set()).update(load.together_with)
        apart.update(frozenset({load.service, other}) for other in load.apart_from if other != load.service)
    for service in sorted(beside):
        for pair in combinations(sorted(_all_beside(service, beside)), 2):
            if frozenset(pair) in apart:
                raise DoesNotFitError(
                    f"{service} must have {' and '.join(pair)} on its host, and the two are kept apart"
                    if service not in pair
                    else f"{pair[0]} and {pair[1]} must run together and apart",
                    where=f"service {service}",
                    hint="drop one of the two rules",
                )


def _all_beside(service: str, beside: dict[str, set[str]]) -> set[str]:
    found, waiting = {service}, [service]
    while waiting:
        new = beside.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _check_policy(load: Workload, where: str) -> None:
    policy = load.policy
    if policy.low < 0:
        raise ConfigError(f"{policy.low} instances is less than nothing", where=where, hint="ask for 0 or more")
    if policy.high is not None and policy.high < policy.low:
        raise DoesNotFitError(
            f"at least {policy.low} and at most {policy.high} instances contradict each other",
            where=where,
            hint="raise the second or lower the first",
        )
    if policy.counting is Counting.PER_HOST and policy.low > 1 and (rule := one_a_host(load)):
        raise DoesNotFitError(
            f"{policy.low} instances a host are asked for, and {rule} allows one",
            where=where,
            hint="ask for one per host",
        )


def one_a_host(load: Workload) -> str | None:
    """The rule that allows one instance of the service on a host at most, in words; None when there is none."""
    if load.host_ports:
        protocol, port = min(load.host_ports)
        return f"host port {port}/{protocol}"
    if load.service in load.apart_from:
        return f"{load.service} apart from itself"
    return None


def _check_known(name: str, known: set[str], where: str, kind: str) -> None:
    if name in known:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)[:10]) or 'none'}"
    raise ConfigError(f"there is no {kind} {name}", where=where, hint=hint)


def _check_running(running: Running) -> None:
    where = f"{running.service}-{running.index} on {running.host}"
    if running.index < 1:
        raise ConfigError("an instance's index starts at 1", where=where, hint="renumber the instance")
    if running.needs is not None:
        for name, amount in _each_amount(running.needs):
            _check_amount(amount, f"{where}: needs.{name}", lowest=0)


def _check_role_conflicts(problem: Problem) -> None:
    smallest: Callable[[frozenset[str]], list[str]] = sorted
    pairs = sorted((pair for pair in problem.role_conflicts if len(pair) > 1), key=smallest)
    for host in sorted(problem.hosts, key=lambda host: host.name):
        for pair in pairs:
            if pair <= host.roles:
                names = " and ".join(sorted(pair))
                raise DoesNotFitError(
                    f"the host carries the roles {names}, which conflict",
                    where=f"host {host.name}",
                    hint=f"take one off: trellis role remove {max(pair)} {host.name}",
                )
