"""Place what waits without moving anything else: the choosiest first, where the others miss the room the least."""

from collections import defaultdict

from trellis.placing.board import Board
from trellis.placing.greedy import bring

_SHARE = 10  # of the steps that are left, one in so many may be spent on making room for one item
_DEPTH = 3  # hosts in a row over which items that wait may be put elsewhere for one another


class Matcher:
    """Places items of few hosts each on a board, and changes its mind about those that it placed itself.

    It keeps, for each workload, the hosts that have room for one more. The item whose workload has the fewest such
    hosts is next; it goes to the host that the fewest other workloads could use. Where an item finds no host, those
    that were placed before make room for one another.

    Args:
        board: what is changed.
        waiting: the items to place; none has a host, and none must be together with another service.
        steps: how many (workload, host) pairs may be looked at in all.
    """

    def __init__(self, board: Board, waiting: list[int], steps: int) -> None:
        self.board = board
        self.task = board.task
        self.steps = steps
        self.left: dict[int, list[int]] = defaultdict(list)
        for number in sorted(waiting, reverse=True):
            self.left[self._kind(number)].append(number)
        self.placed: dict[int, set[int]] = defaultdict(set)
        self.room: dict[int, set[int]] = {}
        self.users: dict[int, int] = defaultdict(int)
        self.allowed: dict[int, frozenset[int]] = {}
        self.floor = 0
        for number in waiting:
            self._look(self._kind(number))

    def _kind(self, number: int) -> int:
        # Items that are for one host only are alike only with others of that host.
        bound = self.task.items[number].bound_to
        workload = self.task.items[number].workload
        return workload if bound is None else -1 - (bound * len(self.task.workloads) + workload)

    def _hosts(self, kind: int) -> tuple[int, ...]:
        return self.task.candidates[kind] if kind >= 0 else ((-1 - kind) // len(self.task.workloads),)

    def _workload(self, kind: int) -> int:
        return kind if kind >= 0 else (-1 - kind) % len(self.task.workloads)

    def _look(self, kind: int) -> None:
        if kind in self.room:
            return
        hosts = self._hosts(kind)
        self.steps -= len(hosts)
        self.allowed[kind] = frozenset(hosts)
        self.room[kind] = set(self.board.with_room(self._workload(kind), hosts))
        for host in self.room[kind]:
            self.users[host] += 1

    def _changed(self, host: int) -> None:
        self.steps -= len(self.room)
        for kind, hosts in self.room.items():
            fits = self.board.has_room(self._workload(kind), host)
            if fits and host not in hosts and host in self.allowed[kind]:
                hosts.add(host)
                self.users[host] += 1
            elif not fits and host in hosts:
                hosts.discard(host)
                self.users[host] -= 1

    def run(self) -> bool:
        """Place all that waits; False, with some of it still waiting, when that fails."""
        failed = False
        while self.left and self.steps > 0:
            kind = min(self.left, key=lambda kind: (-self._priority(kind), len(self.room[kind]), kind))
            number = self.left[kind].pop()
            if not self.left[kind]:
                del self.left[kind]
            self.floor = self.steps - self.steps // _SHARE
            if self.board.where[number] is None and not self._place(number, _DEPTH, frozenset()):
                failed = True
        return not failed and not self.left

    def _priority(self, kind: int) -> int:
        return self.task.workloads[self._workload(kind)].priority

    def _place(self, number: int, depth: int, tried: frozenset[int]) -> bool:
        kind = self._kind(number)
        workload = self._workload(kind)
        best = sorted(self.room[kind], key=lambda host: (self.users[host], self.board.left(host, workload), host))
        return any(self._put(number, host) for host in best) or (depth > 0 and self._exchange(number, depth, tried))

    def _put(self, number: int, host: int) -> bool:
        if not bring(self.board, number, host):
            return False
        self.placed[host].add(number)
        self._changed(host)
        return True

    def _take(self, number: int, host: int) -> None:
        self.board.take(number)
        self.placed[host].discard(number)
        self._changed(host)

    def _exchange(self, number: int, depth: int, tried: frozenset[int]) -> bool:
        """Put one that was placed here before elsewhere, where that makes room; first those that fit elsewhere now."""
        choices = self._exchanges(number, tried)
        choices.sort(key=lambda choice: (not self._elsewhere(*choice), choice[1], choice[0]))
        for other, host in choices:
            if self.steps <= self.floor or (depth == 1 and not self._elsewhere(other, host)):
                return False
            if self._instead(number, other, host, depth, tried):
                return True
        return False

    def _exchanges(self, number: int, tried: frozenset[int]) -> list[tuple[int, int]]:
        """(item, host) where the item's leaving the host would make room."""
        kind = self._kind(number)
        workload = self._workload(kind)
        found = []
        for host in self._hosts(kind):
            if host in tried or not self.placed[host]:
                continue
            lacking = self.board.lacking(workload, host)
            for other in self.placed[host]:
                needs = self.task.needs[self.task.items[other].workload]
                if all(needs[dimension] >= amount for dimension, amount in lacking) and self.board.may_leave(other):
                    found.append((other, host))
        return found

    def _elsewhere(self, other: int, host: int) -> bool:
        hosts = self.room[self._kind(other)]
        return len(hosts) > (host in hosts)

    def _instead(self, number: int, other: int, host: int, depth: int, tried: frozenset[int]) -> bool:
        self._take(other, host)
        if self._put(number, host):
            if self._place(other, depth - 1, tried | {host}):
                return True
            self._take(number, host)
        self._put(other, host)
        return False
