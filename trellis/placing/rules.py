"""Check a placement against every rule, apart from the code that made it: what tests and solvers are held to."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from trellis.placing.amounts import DIMENSIONS, UNKNOWN, of_capacity, of_needs
from trellis.placing.eligibility import why_not
from trellis.placing.model import Counting, HostOffer, PlacedInstance, Placement, Problem, Workload


def broken_rules(problem: Problem, placement: Placement) -> list[str]:
    """Every rule that the placement breaks, in words; empty for a good placement.

    What runs on a host that does not answer, and what goes on running on a host that became too small, is
    nobody's decision, and is not held against the placement.
    """
    return _Referee(problem, placement).verdict()


class _Referee:
    def __init__(self, problem: Problem, placement: Placement) -> None:
        self.problem = problem
        self.placement = placement
        self.hosts = {host.name: host for host in problem.hosts}
        self.loads = {(load.service, load.role): load for load in problem.workloads}
        self.homes = {(run.service, run.index, run.host) for run in problem.running}
        self.by_host: dict[str, list[PlacedInstance]] = defaultdict(list)
        for placed in placement.instances:
            self.by_host[placed.host].append(placed)

    def verdict(self) -> list[str]:
        return [
            *self._indices(),
            *self._counts(),
            *self._moved_without_leave(),
            *(fault for name in sorted(self.by_host) for fault in self._on_host(self.hosts[name])),
        ]

    def load(self, placed: PlacedInstance) -> Workload:
        return self.loads[placed.service, placed.role]

    def at_home(self, placed: PlacedInstance) -> bool:
        return (placed.service, placed.index, placed.host) in self.homes

    def _indices(self) -> Iterable[str]:
        seen = Counter((placed.service, placed.index) for placed in self.placement.instances)
        return (f"{service}-{index} is there twice" for (service, index), times in seen.items() if times > 1)

    def _counts(self) -> Iterable[str]:
        missing = {(short.service, short.role): short.missing for short in self.placement.shortfalls}
        carried = {role for host in self.problem.hosts for role in host.roles}
        for key, load in self.loads.items():
            if load.policy.counting is Counting.PER_HOST:
                yield from self._counts_on_hosts(load, missing.get(key, 0))
            elif load.role in carried:
                count = sum(1 for placed in self.placement.instances if (placed.service, placed.role) == key)
                if count + missing.get(key, 0) < load.policy.low:
                    yield f"{count} {load.service}, fewer than {load.policy.low}"
                if load.policy.high is not None and count > load.policy.high and not self._silent_only(key):
                    yield f"{count} {load.service}, more than {load.policy.high}"

    def _counts_on_hosts(self, load: Workload, missing: int) -> Iterable[str]:
        lacking = 0
        for host in self.hosts.values():
            if host.answers and not host.draining and why_not(load, host) is None:
                count = sum(1 for p in self.by_host[host.name] if (p.service, p.role) == (load.service, load.role))
                lacking += max(0, load.policy.low - count)
                if load.policy.high is not None and count > load.policy.high:
                    yield f"{count} {load.service} on {host.name}, more than {load.policy.high}"
        if lacking > missing:
            yield f"{lacking} {load.service} too few, and {missing} said to be missing"

    def _silent_only(self, key: tuple[str, str]) -> bool:
        return all(
            not self.hosts[placed.host].answers
            for placed in self.placement.instances
            if (placed.service, placed.role) == key
        )

    def _moved_without_leave(self) -> Iterable[str]:
        homes = {(run.service, run.role, run.index): run.host for run in self.problem.running}
        for placed in self.placement.instances:
            load = self.load(placed)
            home = self.hosts.get(homes.get((placed.service, placed.role, placed.index), ""))
            if home is None or home.name == placed.host:
                continue
            if not home.answers and not home.draining:
                yield f"{placed.service}-{placed.index} moved off {home.name}, which does not answer"
            elif not self._may_move(load) and why_not(load, home) is None:
                yield f"{placed.service}-{placed.index} moved off {home.name} and is not relocatable"

    def _may_move(self, load: Workload) -> bool:
        if load.storage_on:
            return False
        return load.relocatable == "yes" or (
            load.relocatable == "coordinated" and load.service in self.problem.allow_moves
        )

    def _on_host(self, host: HostOffer) -> Iterable[str]:
        if not host.answers and not host.draining:
            return [
                f"{p.service}-{p.index} is new on {host.name}" for p in self.by_host[host.name] if not self.at_home(p)
            ]
        return [*self._fit(host), *self._ports(host), *self._company(host), *self._welcome(host)]

    def _welcome(self, host: HostOffer) -> Iterable[str]:
        for placed in self.by_host[host.name]:
            if refusal := why_not(self.load(placed), host):
                yield f"{placed.service}-{placed.index} is on {host.name}, which {refusal}"
            if host.draining and not self.at_home(placed):
                yield f"{placed.service}-{placed.index} is new on {host.name}, which is draining"

    def _fit(self, host: HostOffer) -> Iterable[str]:
        capacity = of_capacity(host.capacity)
        for dimension, name in enumerate(DIMENSIONS):
            needs = [(of_needs(self.load(p).needs)[dimension], self.at_home(p)) for p in self.by_host[host.name]]
            used = sum(amount for amount, _ in needs)
            if used > capacity[dimension] != UNKNOWN and not all(home for amount, home in needs if amount):
                yield f"{host.name} has {capacity[dimension]} {name}, and {used} is placed there"

    def _ports(self, host: HostOffer) -> Iterable[str]:
        ports = Counter(port for placed in self.by_host[host.name] for port in self.load(placed).host_ports)
        for port, times in sorted(ports.items()):
            if times > 1 or port in host.foreign_ports:
                yield f"port {port[1]}/{port[0]} on {host.name} is taken more than once"

    def _company(self, host: HostOffer) -> Iterable[str]:
        services = Counter(placed.service for placed in self.by_host[host.name])
        for placed in self.by_host[host.name]:
            load = self.load(placed)
            for other in load.apart_from:
                if services[other] > (1 if other == load.service else 0):
                    yield f"{load.service} is on {host.name} with {other}"
            for partner in load.together_with:
                if not services[partner]:
                    yield f"{load.service} is on {host.name} without {partner}"
