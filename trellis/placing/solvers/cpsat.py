"""Placement by OR-Tools CP-SAT: one count for each workload and host, with proofs; needs the extra `scale`."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from math import gcd
from typing import TYPE_CHECKING, Any

from trellis.errors import ConfigError
from trellis.placing.amounts import DIMENSIONS, UNKNOWN
from trellis.placing.board import Board
from trellis.placing.solvers.contract import Answer, Limits, Where, forced_moves, standing
from trellis.placing.solvers.embedded import Embedded
from trellis.placing.solvers.narrowing import narrowed
from trellis.placing.solvers.packing import put_all
from trellis.placing.solvers.repairing import is_least, lacks, matched, only_at_home, repair
from trellis.placing.task import Task

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_WORKERS = 2  # ways of searching, in turns: more take more memory, and find no more in the same time of a core
_LEAST_SECONDS = 1.0  # less is not worth the making of a model
_HOSTS_EACH = 60  # hosts offered to a workload besides those that it is on; all of them in small problems
_ALL_BELOW = 60_000  # pairs of a workload and a host that it may be on, up to which nothing is left out
_MOST_WEIGHT = 1 << 60  # a weighted sum has to stay below 2**63
_WEIGHED_BY_SIZE = 2_000  # instances that run


class CpSat:
    """Counts of instances by workload and host as integers; see docs/explanation/placement.md for the formulation."""

    name = "cpsat"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        """As `Solver.solve`; proves its answer, or says how far from a proof it stopped.

        Raises:
            ConfigError: OR-Tools is not installed.
        """
        try:
            import ortools  # noqa: F401 - whether it is there
        except ImportError as error:
            raise ConfigError(
                "the solver cpsat needs OR-Tools, which is not installed",
                where="trellis.yaml: placement.solver",
                hint="install it: pip install 'opencluster-trellis[scale]', or choose solver: constraint",
            ) from error
        begun = limits.clock()
        best = repair(task, start, replace(limits, seconds=limits.seconds / 4))
        if not is_least(task, best):
            best = self._with_the_rest_where_it_runs(task, start, best, limits.left_since(begun))
        if is_least(task, best):
            return Answer(best, proven=True, note="proven: only what has to move moves")
        return self.prove(task, best, limits.left_since(begun))

    def _with_the_rest_where_it_runs(self, task: Task, start: Where, best: Where, limits: Limits) -> Where:
        """The best, or a better one that moves nothing but what has to move: that problem is far smaller."""
        narrow = narrowed(task, only_at_home(task, start))
        if narrow is None:
            return best
        limits = replace(limits, seconds=limits.seconds * 2 / 3)
        answer = self.prove(narrow.task, matched(narrow.task, limits), limits, workers=1)
        return min(best, narrow.widened(answer.where), key=lambda where: standing(task, where))

    def prove(self, task: Task, start: Where, limits: Limits, *, workers: int = _WORKERS) -> Answer:
        """Improve on a start that may be complete already, until it is proven or the time is up."""
        from ortools.sat.python import cp_model

        begun = limits.clock()
        model = _Model(task, start, cp_model.CpModel())
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = limits.left_since(begun).seconds
        solver.parameters.num_workers = workers
        solver.parameters.linearization_level = 2 if workers == 1 else 1  # alone, it needs the stronger bounds
        # Workers take turns in a fixed order: the same problem gives the same answer.
        solver.parameters.interleave_search = True
        solver.parameters.random_seed = 1
        status = solver.solve(model.cp)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Answer(
                start, proven=False, note="CP-SAT found nothing better in the time that was left, and no proof"
            )
        where = model.read(solver)
        optimal = status == cp_model.OPTIMAL
        return _answer(task, where if standing(task, where) < standing(task, start) else start, model, solver, optimal)


class EmbeddedThenCpSat:
    """The embedded solver, and CP-SAT for what that could not place."""

    name = "constraint, then cpsat"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        """As `Solver.solve`."""
        begun = limits.clock()
        answer = Embedded().solve(task, start, replace(limits, seconds=limits.seconds / 2))
        left = limits.left_since(begun)
        if not lacks(task, answer.where) or left.seconds < _LEAST_SECONDS:
            return answer
        return CpSat().prove(task, answer.where, left)


def _answer(task: Task, where: Where, model: "_Model", solver: "cp_model.CpSolver", optimal: bool) -> Answer:  # noqa: FBT001
    lacking, moves, _, _ = standing(task, where)
    if not any(lacking) and moves == forced_moves(task):
        return Answer(where, proven=True, note="proven: only what has to move moves")
    if optimal and model.complete:
        return Answer(where, proven=True, note="proven by CP-SAT: no placement has more instances, or fewer moves")
    if optimal:
        return Answer(where, proven=False, note="proven by CP-SAT among the hosts that were tried")
    return Answer(where, proven=False, note=f"CP-SAT stopped after {solver.wall_time:.0f} s, short of a proof")


@dataclass(slots=True)
class _Group:
    """The items of one workload that may be counted together."""

    items: list[int] = field(default_factory=list)
    homes: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    hosts: tuple[int, ...] = ()


class _Model:
    """The problem as a CP-SAT model.

    For a group g of items of one workload and a host h, x[g,h] counts the items on h.
    Every host and dimension: sum of need * x <= capacity. Moves: sum of max(0, running at home - x).
    """

    def __init__(self, task: Task, start: Where, cp: "cp_model.CpModel") -> None:
        self.task = task
        self.start = start
        self.cp = cp
        used = {item.workload for item in task.items}
        self.complete = sum(len(task.candidates[workload]) for workload in used) <= _ALL_BELOW
        self.groups = self._groups()
        self.x: dict[tuple[int, int], Any] = {}
        self.started: dict[tuple[int, int], int] = {}
        self.on_host: dict[int, list[tuple[int, Any]]] = defaultdict(list)
        self._count()
        self._capacity()
        self._ports_and_company()
        self._objective()

    # -- groups

    def _groups(self) -> list[_Group]:
        board = Board(self.task)
        put_all(board, self.start)
        by_key: dict[tuple[int, int | None, bool], _Group] = defaultdict(_Group)
        for number, item in enumerate(self.task.items):
            group = by_key[item.workload, item.bound_to, item.required]
            group.items.append(number)
            if item.home is not None and item.stays:
                group.homes[item.home].append(number)
        for (workload, bound, _), group in sorted(by_key.items(), key=lambda entry: entry[1].items):
            hosts = set(self._offered(board, workload) if bound is None else [bound])
            hosts.update(group.homes)
            hosts.update(host for number in group.items if (host := self.start[number]) is not None)
            group.hosts = tuple(sorted(hosts))
        return sorted(by_key.values(), key=lambda group: group.items)

    def _offered(self, board: Board, workload: int) -> tuple[int, ...]:
        hosts = self.task.candidates[workload]
        if self.complete:
            return hosts
        return tuple(sorted(hosts, key=lambda host: (-board.left(host, workload), host))[:_HOSTS_EACH])

    def _workload(self, group: _Group) -> int:
        return self.task.items[group.items[0]].workload

    # -- rules

    def _count(self) -> None:
        for number, group in enumerate(self.groups):
            hinted: dict[int, int] = defaultdict(int)
            for item in group.items:
                host = self.start[item]
                if host is not None:
                    hinted[host] += 1
            for host in group.hosts:
                x = self.cp.new_int_var(self._pinned_down(group, host), len(group.items), "")
                self.cp.add_hint(x, hinted[host])
                self.x[number, host] = x
                self.started[number, host] = hinted[host]
                self.on_host[host].append((number, x))
            self.cp.add(sum(self.x[number, host] for host in group.hosts) <= len(group.items))

    def _pinned_down(self, group: _Group, host: int) -> int:
        # What may not move and runs is not for the solver to stop: at least as many as the start has there.
        return sum(
            1
            for number in group.homes.get(host, ())
            if not self.task.items[number].movable and self.start[number] == host
        )

    def _capacity(self) -> None:
        used = self._used_by_start()
        for dimension in range(len(DIMENSIONS)):
            needs = [self.task.needs[self._workload(group)][dimension] for group in self.groups]
            unit = gcd(*needs) or 1
            for host, counts in self.on_host.items():
                most = self.task.capacity[host][dimension]
                terms = [needs[group] // unit * x for group, x in counts if needs[group]]
                if most == UNKNOWN or not terms:
                    continue
                if used[host][dimension] <= most:
                    self.cp.add(sum(terms) <= most // unit)
                    continue
                for group, x in counts:
                    if needs[group]:  # a host that became too small goes on with what is on it, and takes nothing more
                        self.cp.add(x <= self.started[group, host])

    def _used_by_start(self) -> list[list[int]]:
        used = [[0] * len(DIMENSIONS) for _ in self.task.hosts]
        for item, host in zip(self.task.items, self.start, strict=True):
            if host is not None:
                for dimension, amount in enumerate(self.task.needs[item.workload]):
                    used[host][dimension] += amount
        return used

    def _ports_and_company(self) -> None:
        ruled = {w for w in range(len(self.task.workloads)) if self.task.has_rules(w)}
        for host, counts in sorted(self.on_host.items()):
            held = [(self._workload(self.groups[group]), x) for group, x in counts]
            if self.task.hosts[host].answers and any(workload in ruled for workload, _ in held):
                self._ports(host, held)
                self._company(held)

    def _ports(self, host: int, held: list[tuple[int, Any]]) -> None:
        by_port: dict[tuple[str, int], list[Any]] = defaultdict(list)
        for workload, x in held:
            for port in self.task.workloads[workload].host_ports:
                by_port[port].append(x)
        for port, counts in sorted(by_port.items()):
            self.cp.add(sum(counts) <= (0 if port in self.task.hosts[host].foreign_ports else 1))

    def _company(self, held: list[tuple[int, Any]]) -> None:
        by_service: dict[str, list[Any]] = defaultdict(list)
        for workload, x in held:
            by_service[self.task.workloads[workload].service].append(x)
        present = {service: self._present(counts) for service, counts in sorted(by_service.items())}
        for workload, _ in held:
            service = self.task.workloads[workload].service
            for other in sorted(self.task.apart[workload]):
                if other == service:
                    self.cp.add(sum(by_service[service]) <= 1)
                elif other in present:
                    self.cp.add_at_most_one(present[service], present[other])
            for partner in sorted(self.task.workloads[workload].together_with):
                self.cp.add_implication(present[service], present.get(partner, self.cp.new_constant(0)))

    def _present(self, counts: list[Any]) -> Any:
        present = self.cp.new_bool_var("")
        self.cp.add(sum(counts) >= 1).only_enforce_if(present)
        self.cp.add(sum(counts) == 0).only_enforce_if(~present)
        return present

    # -- what is best

    def _objective(self) -> None:
        if not any(group.homes for group in self.groups):
            self.cp.minimize(self._missing(1))  # nothing can stay where it runs, so no move is one too many
            return
        movable = sum(1 for item in self.task.items if item.index is not None) + 1
        # Cheapest among fewest moves needs room below a move's weight; in large problems there is none to spare.
        sizes = self._sizes() if movable <= _WEIGHED_BY_SIZE else [0] * len(self.task.needs)
        coordinated = max(sizes, default=0) * movable + 1
        move = 2 * coordinated * movable if movable <= _WEIGHED_BY_SIZE else 2
        terms = []
        for number, group in enumerate(self.groups):
            load = self.task.workloads[self._workload(group)]
            cost = move + sizes[self._workload(group)] + coordinated * (load.relocatable == "coordinated")
            for host, running in sorted(group.homes.items()):
                gone = self.cp.new_int_var(0, len(running), "")
                self.cp.add(gone >= len(running) - self.x[number, host])
                terms.append(cost * gone)
        self.cp.minimize(sum(terms) + self._missing(2 * move * movable))

    def _sizes(self) -> list[int]:
        # In steps of 1 to 9: a weight has to leave room for the weights above it.
        sizes = [needs[1] + needs[2] for needs in self.task.needs]
        most = max(sizes, default=0) or 1
        return [1 + 8 * size // most for size in sizes]

    def _missing(self, weight: int) -> Any:
        levels: dict[tuple[bool, int], list[Any]] = defaultdict(list)
        for number, group in enumerate(self.groups):
            load = self.task.workloads[self._workload(group)]
            required = self.task.items[group.items[0]].required
            missing = len(group.items) - sum(self.x[number, host] for host in group.hosts)
            levels[required, load.priority if required else 0].append((missing, len(group.items)))
        total: Any = 0
        for (required, _), entries in sorted(levels.items()):
            # What is not required is worth as much as a move: it is stopped before others have to move twice.
            total += (weight if required else 1) * sum(missing for missing, _ in entries)
            if required:
                weight = min(weight * (sum(count for _, count in entries) + 1), _MOST_WEIGHT // len(self.task.items))
        return total

    # -- the answer

    def read(self, solver: "cp_model.CpSolver") -> Where:
        """Hosts of the items: running ones at home as far as the counts allow, the others in order."""
        where: list[int | None] = [None] * len(self.task.items)
        for number, group in enumerate(self.groups):
            left = {host: int(solver.value(self.x[number, host])) for host in group.hosts}
            for host, running in sorted(group.homes.items()):
                for item in sorted(running, key=lambda item: self.task.items[item].movable)[: left[host]]:
                    where[item] = host
                    left[host] -= 1
            self._spill(group, left, where)
        return tuple(where)

    def _spill(self, group: _Group, left: dict[int, int], where: list[int | None]) -> None:
        waiting = [item for item in group.items if where[item] is None]
        # Where the start had it comes first, so that nothing changes without a gain.
        for item in list(waiting):
            host = self.start[item]
            if host is not None and left.get(host, 0) > 0:
                where[item] = host
                left[host] -= 1
                waiting.remove(item)
        places = [host for host in sorted(left) for _ in range(left[host])]
        for item, host in zip(waiting, places, strict=False):
            where[item] = host
