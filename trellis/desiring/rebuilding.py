"""Where nothing of an environment runs any more, its instances go back to the hosts that they were on."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from trellis.placing.eligibility import why_not, why_nothing_new
from trellis.placing.model import HostOffer, Needs, Problem, Running, Workload
from trellis.resources import ResourceKey
from trellis.state.records import Made


class Remembers(Protocol):
    """Knows what was made."""

    @property
    def made(self) -> Mapping[ResourceKey, Made]:
        """By resource; reading it may take a while."""


def as_it_was(problem: Problem, memory: Remembers) -> Problem:
    """The problem, where what was on hosts that are empty now counts as running there.

    So an environment that is rebuilt on new hosts, from an import or after a loss, gets its placement back. A host
    counts only when it may still run all that it had, and has room for it. Where anything runs on a host that answers,
    the hosts say where everything is, and nothing is remembered.
    """
    answering = {host.name: host for host in problem.hosts if host.answers}
    if problem.rebalance or any(run.host in answering for run in problem.running):
        return problem
    loads = {(load.service, load.role): load for load in problem.workloads}
    was: dict[str, list[Running]] = defaultdict(list)
    for key, made in memory.made.items():
        if key.kind == "container" and made.instance > 0 and key.host in answering:
            was[key.host].append(Running(made.service, made.role, made.instance, key.host))
    again = [run for host, runs in was.items() if _may_run(answering[host], runs, loads) for run in runs]
    return replace(problem, running=tuple(sorted([*problem.running, *again]))) if again else problem


def _may_run(host: HostOffer, runs: list[Running], loads: Mapping[tuple[str, str], Workload]) -> bool:
    found = [loads.get((run.service, run.role)) for run in runs]
    wanted = [load for load in found if load is not None]
    allowed = len(wanted) == len(runs) and not any(why_not(load, host) for load in wanted)
    return allowed and why_nothing_new(host) is None and _has_room(host, [load.needs for load in wanted])


def _has_room(host: HostOffer, needs: list[Needs]) -> bool:
    there = host.capacity
    pairs = (
        (there.cpu, sum(one.cpu for one in needs)),
        (there.memory, sum(one.memory for one in needs)),
        (there.disk, sum(one.disk for one in needs)),
    )
    return all(has is None or wants <= has for has, wants in pairs)
