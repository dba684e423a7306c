"""The problem as solvers work on it: numbered hosts and workloads, whole amounts, one item an instance."""

from collections import defaultdict
from dataclasses import dataclass

from trellis.placing.amounts import Amounts, of_capacity, of_needs
from trellis.placing.eligibility import candidates, is_picky, why_nothing_new
from trellis.placing.model import HostOffer, Problem, Workload

Port = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Item:
    """One instance that is to have a host.

    Attributes:
        workload: its number in `Task.workloads`.
        index: the instance's index; None for a new one, which gets its index when it has a host.
        home: the number of the host where it runs now; None for a new one and when that host is gone.
        stays: it may be at its home by the rules, capacity aside.
        movable: it may be elsewhere than at home.
        required: the policy's lowest count needs it; others are stopped rather than called a shortfall.
        only: the number of the one host that it is for, as per-host policies count; else None.
        grown: it needs more now than it was started with.
    """

    workload: int
    index: int | None = None
    home: int | None = None
    stays: bool = False
    movable: bool = True
    required: bool = True
    only: int | None = None
    grown: bool = False

    @property
    def bound_to(self) -> int | None:
        """The number of the only host that it may be on, whatever room there is elsewhere; None when it is free."""
        return self.home if self.only is None and self.stays and not self.movable else self.only


@dataclass(frozen=True, slots=True)
class Task:
    """What a solver is given; lists are by the number of a host or a workload.

    Attributes:
        problem: the problem in its own words.
        hosts: sorted by name.
        workloads: sorted by service and role.
        needs: of one instance of each workload.
        capacity: of each host.
        candidates: hosts that a new instance of each workload may go to, capacity aside.
        apart: services that may not be on one host with each workload's.
        needed_by: services that must have this workload's service beside them.
        items: what is to be placed.
    """

    problem: Problem
    hosts: tuple[HostOffer, ...]
    workloads: tuple[Workload, ...]
    needs: tuple[Amounts, ...]
    capacity: tuple[Amounts, ...]
    candidates: tuple[tuple[int, ...], ...]
    apart: tuple[frozenset[str], ...]
    needed_by: tuple[frozenset[str], ...]
    items: tuple[Item, ...] = ()

    def candidates_of(self, item: Item) -> tuple[int, ...]:
        """Hosts that the item may go to now; its home is among them only where a new one might go there too."""
        bound = item.bound_to
        return self.candidates[item.workload] if bound is None else (bound,)

    def has_rules(self, workload: int) -> bool:
        """Whether more than capacity decides where the workload fits."""
        load = self.workloads[workload]
        return bool(load.host_ports or load.together_with or self.apart[workload] or self.needed_by[workload])

    def name(self, item: Item) -> str:
        """``web-1``, or ``web`` for a new one."""
        service = self.workloads[item.workload].service
        return service if item.index is None else f"{service}-{item.index}"


def make_task(problem: Problem) -> Task:
    """Number and sort everything; the task has no items yet."""
    hosts = tuple(sorted(problem.hosts, key=lambda host: host.name))
    loads = tuple(sorted(problem.workloads, key=lambda load: (load.service, load.role)))
    by_role: dict[str, list[tuple[int, HostOffer]]] = defaultdict(list)
    for number, host in enumerate(hosts):
        if why_nothing_new(host) is None:
            for role in host.roles:
                by_role[role].append((number, host))
    numbers = {role: tuple(number for number, _ in open_hosts) for role, open_hosts in by_role.items()}
    return Task(
        problem=problem,
        hosts=hosts,
        workloads=loads,
        needs=tuple(of_needs(load.needs) for load in loads),
        capacity=tuple(of_capacity(host.capacity) for host in hosts),
        candidates=tuple(
            candidates(load, by_role[load.role]) if is_picky(load) else numbers.get(load.role, ()) for load in loads
        ),
        apart=_apart(loads),
        needed_by=_needed_by(loads),
    )


def _apart(loads: tuple[Workload, ...]) -> tuple[frozenset[str], ...]:
    # Said by one of the two, the rule holds for both.
    apart: dict[str, set[str]] = defaultdict(set)
    for load in loads:
        for other in load.apart_from:
            apart[load.service].add(other)
            apart[other].add(load.service)
    return tuple(frozenset(apart[load.service]) for load in loads)


def _needed_by(loads: tuple[Workload, ...]) -> tuple[frozenset[str], ...]:
    needed: dict[str, set[str]] = defaultdict(set)
    for load in loads:
        for partner in load.together_with:
            if partner != load.service:
                needed[partner].add(load.service)
    return tuple(frozenset(needed[load.service]) for load in loads)
