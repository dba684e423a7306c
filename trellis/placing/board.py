"""Who is on which host while a placement is worked out, and what is left there."""

from collections import defaultdict

from trellis.placing.amounts import DIMENSIONS, in_words
from trellis.placing.task import Port, Task

_NOTHING = -(1 << 62)  # a need of 0 fits a host that is over its capacity as well


class Board:
    """The state that a search changes: items put on hosts and taken off again.

    Attributes:
        task: what is being placed.
        where: by item, the number of its host; None while it has none.
        on: by host, the items on it.
        free: by dimension, by host: what is left; below 0 where more runs than fits.
        left_of: by host, `left` without a workload, kept up to date.
        services: by host, how many instances of each service are on it.
        why: by item, the reason for its host, where one was given.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.where: list[int | None] = [None] * len(task.items)
        self.on: list[set[int]] = [set() for _ in task.hosts]
        self.free: list[list[int]] = [
            [capacity[dimension] for capacity in task.capacity] for dimension in range(len(DIMENSIONS))
        ]
        self.services: list[dict[str, int]] = [defaultdict(int) for _ in task.hosts]
        self.why: dict[int, str] = {}
        self._log: list[tuple[int, int | None]] = []
        self._inverse = [[1 / most if most > 0 else 0.0 for most in column] for column in self.free]
        self.left_of = [self.left(host) for host in range(len(task.hosts))]
        self._bounds = [tuple(amount or _NOTHING for amount in needs) for needs in task.needs]
        self._ports: list[dict[Port, int]] = [defaultdict(int) for _ in task.hosts]
        self._ruled = [task.has_rules(workload) for workload in range(len(task.workloads))]

    def put(self, item: int, host: int, why: str = "") -> None:
        """Put an item that has no host on one; whether it fits is for the caller to have asked."""
        if self.where[item] is not None:
            raise AssertionError(f"item {item} is on a host already")
        self._log.append((item, None))
        self.where[item] = host
        if why:
            self.why[item] = why
        self._change(item, host, 1)
        self.on[host].add(item)

    def take(self, item: int) -> int:
        """Take an item off its host, and answer which that was."""
        host = self.where[item]
        if host is None:
            raise AssertionError(f"item {item} is on no host")
        self._log.append((item, host))
        self.where[item] = None
        self.why.pop(item, None)
        self._change(item, host, -1)
        self.on[host].discard(item)
        return host

    def take_all(self, items: tuple[int, ...]) -> bool:
        """Take the items off, one after the other; False, with some of them taken, when one is needed there.

        Each of two partners may go while the other stays, and still not both.
        """
        for item in items:
            if not self.may_leave(item):
                return False
            self.take(item)
        return True

    def mark(self) -> int:
        """A point to come back to with `undo`."""
        return len(self._log)

    def undo(self, mark: int) -> None:
        """Put every item back where it was at the mark."""
        while len(self._log) > mark:
            item, host = self._log.pop()
            if host is None:
                self.take(item)
            else:
                self.put(item, host)
            self._log.pop()

    def _change(self, item: int, host: int, sign: int) -> None:
        workload = self.task.items[item].workload
        load = self.task.workloads[workload]
        for column, amount in zip(self.free, self.task.needs[workload], strict=True):
            column[host] -= sign * amount
        self.left_of[host] = self.left(host)
        self.services[host][load.service] += sign
        for port in load.host_ports:
            self._ports[host][port] += sign

    # -- what fits

    def fits(self, workload: int, host: int) -> bool:
        """Whether one more instance of the workload may go to the host by capacity and by every rule."""
        return self.has_room(workload, host) and (not self._ruled[workload] or self.rules_allow(workload, host))

    def has_room(self, workload: int, host: int) -> bool:
        """Whether the host has enough of everything left."""
        cpu, memory, disk, network = self.free
        a, b, c, d = self._bounds[workload]
        return cpu[host] >= a and memory[host] >= b and disk[host] >= c and network[host] >= d

    def with_room(self, workload: int, hosts: tuple[int, ...]) -> list[int]:
        """Those of the hosts that have enough of everything left."""
        cpu, memory, disk, network = self.free
        a, b, c, d = self._bounds[workload]
        return [h for h in hosts if cpu[h] >= a and memory[h] >= b and disk[h] >= c and network[h] >= d]

    def rules_allow(self, workload: int, host: int, *, partners: bool = True) -> bool:
        """Whether ports, services kept apart and services kept together allow one more instance there."""
        return self.broken_rule(workload, host, partners=partners) is None

    def broken_rule(self, workload: int, host: int, *, partners: bool = True) -> str | None:
        """The rule other than capacity that keeps one more instance off the host, in words."""
        load = self.task.workloads[workload]
        for protocol, port in sorted(load.host_ports):
            if (protocol, port) in self.task.hosts[host].foreign_ports:
                return f"something else listens on port {port}/{protocol}"
            if self._ports[host].get((protocol, port)):
                return f"port {port}/{protocol} is taken by {self._port_owner(host, (protocol, port))}"
        services = self.services[host]
        for other in sorted(self.task.apart[workload]):
            if services.get(other):
                return f"{load.service} must not be on one host with {other}"
        if partners and (missing := self.missing_partners(workload, host)):
            return f"{missing[0]} is not there, and {load.service} must run together with it"
        return None

    def missing_partners(self, workload: int, host: int) -> list[str]:
        """Services that the workload must have beside it and that are not on the host."""
        load = self.task.workloads[workload]
        services = self.services[host]
        return sorted(
            partner for partner in load.together_with if partner != load.service and not services.get(partner)
        )

    def may_leave(self, item: int) -> bool:
        """Whether the item could go without leaving another behind that must have it beside it."""
        host = self.where[item]
        if host is None:
            return False
        workload = self.task.items[item].workload
        service = self.task.workloads[workload].service
        services = self.services[host]
        if services[service] > 1:
            return True
        return not any(services.get(other) for other in self.task.needed_by[workload])

    def _port_owner(self, host: int, port: Port) -> str:
        items = (self.task.items[item] for item in sorted(self.on[host]))
        return next((self.task.name(item) for item in items if port in self._ports_of(item.workload)), "")

    def _ports_of(self, workload: int) -> frozenset[Port]:
        return self.task.workloads[workload].host_ports

    def lacking(self, workload: int, host: int) -> list[tuple[int, int]]:
        """(dimension, amount) of what the host is short of for one more instance."""
        return [
            (dimension, amount - column[host])
            for dimension, (column, amount) in enumerate(zip(self.free, self.task.needs[workload], strict=True))
            if amount and column[host] < amount
        ]

    def obstacle(self, workload: int, host: int) -> str | None:
        """What keeps one more instance of the workload off the host, in words; None when it fits."""
        if lacking := self.lacking(workload, host):
            return " and ".join(f"{in_words(*short)} short" for short in lacking)
        return self.broken_rule(workload, host)

    # -- how full

    def left(self, host: int, workload: int | None = None) -> float:
        """The share of the scarcest dimension that is left, 0 to 1, after one more of the workload if given."""
        needs = (0, 0, 0, 0) if workload is None else self.task.needs[workload]
        cpu, memory, disk, network = self.free
        one, two, three, four = self._inverse
        return min(
            (cpu[host] - needs[0]) * one[host],
            (memory[host] - needs[1]) * two[host],
            (disk[host] - needs[2]) * three[host],
            (network[host] - needs[3]) * four[host],
        )

    def homeless(self) -> list[int]:
        """Items that have no host."""
        return [item for item, host in enumerate(self.where) if host is None]

    def moves(self) -> int:
        """How many running instances are on another host than they run on."""
        return sum(
            1
            for item, host in zip(self.task.items, self.where, strict=True)
            if host is not None and item.index is not None and host != item.home
        )
