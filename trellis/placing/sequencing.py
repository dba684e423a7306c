"""Order the changes of a placement so that no host exceeds its capacity at any moment."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trellis.errors import DoesNotFitError
from trellis.placing.amounts import Amounts, of_capacity, of_needs
from trellis.placing.eligibility import why_not, why_nothing_new
from trellis.placing.model import PlacedInstance, Placement, Problem, Running, Workload
from trellis.placing.task import Port

Verb = Literal["start", "move", "park", "stop", "interrupt", "update"]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what runs where.

    A move starts the instance on `target` before it stops it on `source`; both hold it meanwhile. To park is a
    move to a host where it will not stay, because it and others wait for one another. An interruption stops it
    on `source` although it is wanted: the change that starts it again follows. An update gives it, where it is,
    what it is to have; there is one where that needs room, or makes room for what waits.

    Attributes:
        verb: what is done.
        service: the instance's service.
        role: the instance's role.
        index: the instance's index.
        source: the host that it leaves; None when it starts.
        target: the host that it goes to; None when it stops. An update has its host as both.
        reason: why, in words.
    """

    verb: Verb
    service: str
    role: str
    index: int
    source: str | None
    target: str | None
    reason: str


MayPark = Callable[[PlacedInstance, str], bool]
"""Whether an instance may wait on a host, by its name, while others move."""


def sequence(problem: Problem, placement: Placement, may_park: MayPark | None = None) -> tuple[Change, ...]:
    """The changes from what runs to the placement, in an order in which each one fits when its turn comes.

    Instances that stop on a host that does not answer are left out: nothing can be changed there.

    Args:
        problem: what was asked.
        placement: what was answered.
        may_park: which instances may go through which third hosts; any, when that is not given.

    Raises:
        DoesNotFitError: no order is safe; only possible for a placement with shortfalls.
    """
    try:
        changes = _Sequencer(problem, placement, may_park).run()
    except DoesNotFitError:
        return tuple(_Sequencer(problem, placement, may_park).run_moves_first())
    if any(change.verb == "interrupt" for change in changes):
        # What is new may have filled the host through which others could have gone.
        changes = min(changes, _Sequencer(problem, placement, may_park).run_moves_first(), key=_interruptions)
    return tuple(changes)


def _interruptions(changes: list[Change]) -> int:
    return sum(change.verb == "interrupt" for change in changes)


def over_capacity(problem: Problem, changes: tuple[Change, ...]) -> list[str]:
    """Moments at which the changes, in their order, would exceed a host's capacity further than it is now."""
    site = _Site(problem)
    found = []
    for change in changes:
        if change.verb == "update" and change.target is not None:
            if not site.can_update(change.service, change.role, change.index, change.target):
                found.append(f"{change.target} has no room when {change.service}-{change.index} grows")
            site.update(change.service, change.role, change.index, change.target)
            continue
        if change.target is not None:
            if not site.has_room(change.service, change.role, change.target):
                found.append(f"{change.target} has no room when {change.service}-{change.index} comes")
            site.add(change.service, change.role, change.index, change.target)
        if change.source is not None:
            site.remove(change.service, change.index, change.source)
    return found


class _Site:
    """What runs where at one moment, and what is left."""

    def __init__(self, problem: Problem) -> None:
        self.hosts = {host.name: host for host in problem.hosts}
        self.loads: dict[tuple[str, str], Workload] = {(w.service, w.role): w for w in problem.workloads}
        self.needs = {key: of_needs(load.needs) for key, load in self.loads.items()}
        self.free = {host.name: list(of_capacity(host.capacity)) for host in problem.hosts}
        self.held: dict[tuple[Key, str], tuple[Amounts, frozenset[Port]]] = {}
        self.ports: dict[str, set[Port]] = {host.name: set(host.foreign_ports) for host in problem.hosts}
        self.services: dict[str, dict[str, int]] = {host.name: defaultdict(int) for host in problem.hosts}
        self.apart: dict[str, set[str]] = defaultdict(set)
        for load in problem.workloads:
            for other in load.apart_from:
                self.apart[load.service].add(other)
                self.apart[other].add(load.service)
        for run in problem.running:
            self._add_running(run)

    def _add_running(self, run: Running) -> None:
        if run.host in self.hosts:
            now = self.needs.get((run.service, run.role), (0, 0, 0, 0))
            held = of_needs(run.needs) if run.needs is not None else now
            self._hold(run.service, run.role, run.index, run.host, held)

    def add(self, service: str, role: str, index: int, host: str) -> None:
        self._hold(service, role, index, host, self.needs[service, role])

    def _hold(self, service: str, role: str, index: int, host: str, amounts: Amounts) -> None:
        load = self.loads.get((service, role))
        ports = load.host_ports if load else frozenset()
        self.held[(service, index), host] = amounts, ports
        self.services[host][service] += 1
        self.ports[host] |= ports
        for dimension, amount in enumerate(amounts):
            self.free[host][dimension] -= amount

    def growth(self, service: str, role: str, index: int, host: str) -> tuple[int, ...]:
        """What it is to have more than it holds now, less than nothing where it shrinks."""
        held, _ = self.held[(service, index), host]
        return tuple(now - then for now, then in zip(self.needs[service, role], held, strict=True))

    def can_update(self, service: str, role: str, index: int, host: str) -> bool:
        """Whether it can be given what it is to have where it is."""
        pairs = zip(self.growth(service, role, index, host), self.free[host], strict=True)
        return all(more <= max(free, 0) for more, free in pairs)

    def update(self, service: str, role: str, index: int, host: str) -> None:
        """Give it what it is to have."""
        for dimension, more in enumerate(self.growth(service, role, index, host)):
            self.free[host][dimension] -= more
        self.held[(service, index), host] = self.needs[service, role], self.held[(service, index), host][1]

    def remove(self, service: str, index: int, host: str) -> None:
        amounts, ports = self.held.pop(((service, index), host), ((0, 0, 0, 0), frozenset()))
        self.ports[host] -= ports
        self.services[host][service] -= 1
        for dimension, amount in enumerate(amounts):
            self.free[host][dimension] += amount

    def has_room(self, service: str, role: str, host: str) -> bool:
        pairs = zip(self.needs[service, role], self.free[host], strict=True)
        return all(amount == 0 or amount <= free for amount, free in pairs)

    def admits(self, service: str, role: str, host: str) -> bool:
        """Whether one more may start there now, by capacity, ports and services that are kept apart."""
        if not self.has_room(service, role, host) or self.ports[host] & self.loads[service, role].host_ports:
            return False
        return not any(self.services[host].get(other) for other in self.apart.get(service, ()))


class _Sequencer:
    def __init__(self, problem: Problem, placement: Placement, may_park: MayPark | None) -> None:
        self.site = _Site(problem)
        self.may_park: MayPark = may_park or (lambda _placed, _host: True)
        self.changes: list[Change] = []
        homes = {(run.service, run.role, run.index): run.host for run in problem.running}
        for stopped in placement.stopped:
            # Of an instance that runs twice, the copy that stops is not the home of the one that stays.
            if homes.get((stopped.service, stopped.role, stopped.index)) == stopped.host:
                del homes[stopped.service, stopped.role, stopped.index]
        for run in problem.running:
            homes.setdefault((run.service, run.role, run.index), run.host)
        self.homes: dict[Key, str | None] = {}
        self.waiting: list[PlacedInstance] = []
        self.growing: list[PlacedInstance] = []
        self.shrinking: list[PlacedInstance] = []
        for placed in placement.instances:
            home = homes.get((placed.service, placed.role, placed.index))
            if home != placed.host:
                self.homes[placed.service, placed.index] = home if home in self.site.hosts else None
                self.waiting.append(placed)
            elif self._reachable(placed.host):
                self._may_change_in_place(placed)
        self.stops = [stopped for stopped in placement.stopped if self._reachable(stopped.host)]

    def _may_change_in_place(self, placed: PlacedInstance) -> None:
        more = self.site.growth(placed.service, placed.role, placed.index, placed.host)
        if any(amount > 0 for amount in more):
            self.growing.append(placed)
        elif any(more):
            self.shrinking.append(placed)

    def _reachable(self, host: str) -> bool:
        return host in self.site.hosts and self.site.hosts[host].answers

    def run(self) -> list[Change]:
        """The changes in order, each as soon as it fits.

        Raises:
            DoesNotFitError: there is no such order.
        """
        self._settle()
        for stopped in self.stops:
            self._stop(stopped)
        return self.changes

    def run_moves_first(self) -> list[Change]:
        """The same with what is new, and what grows, after all moves: they take no room that a move could have used.

        Raises:
            DoesNotFitError: there is no such order.
        """
        new = [placed for placed in self.waiting if self.homes[placed.service, placed.index] is None]
        growing, self.growing = self.growing, []
        self.waiting = [placed for placed in self.waiting if self.homes[placed.service, placed.index] is not None]
        self._settle()
        self.waiting, self.growing = new, growing
        return self.run()

    def _settle(self) -> None:
        while self.waiting or self.growing:
            done = self._do_what_fits() or self._grow_what_fits() or self._stop_one() or self._shrink_one()
            if not done and not self.waiting:
                break  # a host that became too small: what wants more there has to do without an order
            if not (done or self._park_one() or self._interrupt_one()):
                raise self._no_order()

    def _grow_what_fits(self) -> bool:
        left = []
        for placed in self.growing:
            if self.site.can_update(placed.service, placed.role, placed.index, placed.host):
                self._update(placed, "needs more than it has")
            else:
                left.append(placed)
        done = len(left) < len(self.growing)
        self.growing = left
        return done

    def _shrink_one(self) -> bool:
        wanted = self._wanted()
        for placed in self.shrinking:
            if placed.host in wanted:
                self.shrinking.remove(placed)
                self._update(placed, f"makes room on {placed.host}")
                return True
        return False

    def _update(self, placed: PlacedInstance, reason: str) -> None:
        self.site.update(placed.service, placed.role, placed.index, placed.host)
        change = Change("update", placed.service, placed.role, placed.index, placed.host, placed.host, reason)
        self.changes.append(change)

    def _no_order(self) -> DoesNotFitError:
        names = ", ".join(f"{placed.service}-{placed.index} on {placed.host}" for placed in self.waiting[:3])
        return DoesNotFitError(
            f"there is no room for {names}, in whatever order the changes are made",
            where="placement",
            hint="take instances off these hosts first, or give them more room",
        )

    def _do_what_fits(self) -> bool:
        left = []
        for placed in self.waiting:
            if self.site.admits(placed.service, placed.role, placed.host):
                self._go(placed)
            else:
                left.append(placed)
        done = len(left) < len(self.waiting)
        self.waiting = left
        return done

    def _go(self, placed: PlacedInstance) -> None:
        home = self.homes.pop((placed.service, placed.index), None)
        verb: Verb = "start" if home is None else "move"
        self._change(verb, placed, home, placed.host, placed.reason)

    def _change(self, verb: Verb, placed: PlacedInstance, source: str | None, target: str | None, reason: str) -> None:
        if target is not None:
            self.site.add(placed.service, placed.role, placed.index, target)
        if source is not None:
            self.site.remove(placed.service, placed.index, source)
        self.changes.append(Change(verb, placed.service, placed.role, placed.index, source, target, reason))

    def _stop(self, stopped: PlacedInstance) -> None:
        self._change("stop", stopped, stopped.host, None, stopped.reason)

    def _stop_one(self) -> bool:
        wanted = self._wanted()
        for stopped in self.stops:
            if stopped.host in wanted:
                self.stops.remove(stopped)
                self._stop(stopped)
                return True
        return False

    def _park_one(self) -> bool:
        for placed in self._those_in_the_way():
            load = self.site.loads[placed.service, placed.role]
            for name in sorted(self.site.hosts):
                host = self.site.hosts[name]
                refused = why_nothing_new(host) or why_not(load, host) or name in self._wanted()
                if refused or not self.may_park(placed, name):
                    continue
                if self.site.admits(placed.service, placed.role, name):
                    home = self.homes[placed.service, placed.index]
                    self._change("park", placed, home, name, f"{home} and {placed.host} wait for each other's room")
                    self.homes[placed.service, placed.index] = name
                    return True
        return False

    def _wanted(self) -> set[str]:
        return {placed.host for placed in (*self.waiting, *self.growing)}

    def _those_in_the_way(self) -> list[PlacedInstance]:
        # The smallest first: it is the cheapest to move twice, or to have stopped for a while.
        wanted = self._wanted()
        found = [p for p in self.waiting if self.homes.get((p.service, p.index)) in wanted]
        return sorted(found, key=lambda p: (self._size(p), p.service, p.index))

    def _size(self, placed: PlacedInstance) -> int:
        return sum(self.site.needs[placed.service, placed.role][1:3])

    def _interrupt_one(self) -> bool:
        for placed in self._those_in_the_way():
            home = self.homes[placed.service, placed.index]
            if home is not None and self._reachable(home):
                reason = f"no host has room to hold it while {home} and {placed.host} wait for each other"
                self._change("interrupt", placed, home, None, reason)
                self.homes[placed.service, placed.index] = None
                return True
        return False
