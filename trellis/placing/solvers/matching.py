"""Place what waits without moving anything else: the choosiest first, where the others miss the room the least."""

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import combinations

from trellis.placing.board import Board
from trellis.placing.greedy import bring

_SHARE = 10  # of the steps that are left, one in so many may be spent on making room for one item


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
        failed = []
        while self.left and self.steps > 0:
            kind = min(self.left, key=lambda kind: (-self._priority(kind), len(self.room[kind]), kind))
            number = self.left[kind].pop()
            if not self.left[kind]:
                del self.left[kind]
            self.floor = self.steps - self.steps // _SHARE
            if self.board.where[number] is None and not self._place(number):
                failed.append(number)
        left = [number for number in failed if not (self._place(number) or self._clear_a_host(number))]
        return not left and not self.left

    def _priority(self, kind: int) -> int:
        return self.task.workloads[self._workload(kind)].priority

    def _place(self, number: int) -> bool:
        kind = self._kind(number)
        workload = self._workload(kind)
        best = sorted(self.room[kind], key=lambda host: (self.users[host], self.board.left(host, workload), host))
        return any(self._put(number, host) for host in best) or self._make_room(number)

    def _put(self, number: int, host: int) -> bool:
        if not bring(self.board, number, host):
            return False
        self.placed[host].add(number)
        self._changed(host)
        return True

    def _take(self, number: int, host: int) -> None:
        self.board.take(number)
        self.placed[host].discard(number)
        if not self.placed[host]:
            del self.placed[host]
        self._changed(host)

    # -- one makes room for another

    def _make_room(self, number: int) -> bool:
        """Put others that were placed here elsewhere in turn: the shortest chain that ends where there is room.

        Every host is in a chain once, so each exchange can be judged by what is on the host now.
        """
        came: dict[int, tuple[int, int]] = {}  # who has to leave which host, for whom
        waiting = deque([number])
        while waiting and self.steps > self.floor:
            one = waiting.popleft()
            chain = set(_hosts_left(one, came))
            end = self._end_of_chain(one, chain)
            if end is not None:
                return self._follow(one, end, came)
            for other, host in self._who_could_leave(one, chain):
                if other not in came:
                    came[other] = one, host
                    waiting.append(other)
        return False

    def _end_of_chain(self, number: int, chain: set[int]) -> int | None:
        workload = self._workload(self._kind(number))
        open_hosts = (host for host in self.room[self._kind(number)] if host not in chain)
        return min(open_hosts, key=lambda host: (self.users[host], self.board.left(host, workload), host), default=None)

    def _who_could_leave(self, number: int, chain: set[int]) -> list[tuple[int, int]]:
        """(item, host) where the item's leaving the host would make room."""
        kind = self._kind(number)
        workload = self._workload(kind)
        found = []
        self.steps -= len(self.placed)
        for host, others in sorted(self.placed.items()):
            if host in chain or host not in self.allowed[kind]:
                continue
            lacking = self.board.lacking(workload, host)
            for other in sorted(others):
                needs = self.task.needs[self.task.items[other].workload]
                if all(needs[dimension] >= amount for dimension, amount in lacking) and self.board.may_leave(other):
                    found.append((other, host))
        return found

    def _follow(self, number: int, end: int, came: dict[int, tuple[int, int]]) -> bool:
        """Make the exchanges, the last one first; False, and nothing done, if a rule is against one."""
        done: list[tuple[int, int | None, int]] = []  # who went from where to where
        host = end
        while True:
            one, left = came.get(number, (None, None))
            if left is not None:
                self._take(number, left)
            done.append((number, left, host))
            if not self._put(number, host):
                self._undo(done)
                return False
            if one is None or left is None:
                return True
            number, host = one, left

    def _clear_a_host(self, number: int) -> bool:
        """Put two others that were placed here on one host elsewhere, each by a chain of its own if need be."""
        kind = self._kind(number)
        for host in sorted(self.allowed[kind] & self.placed.keys()):
            for pair in combinations(sorted(self.placed.get(host, ())), 2):
                self.steps -= len(self.placed)
                if self.steps > 0 and self._frees(number, host, pair) and self._instead(number, host, pair):
                    return True
        return False

    def _frees(self, number: int, host: int, leaving: tuple[int, ...]) -> bool:
        lacking = self.board.lacking(self._workload(self._kind(number)), host)
        needs = [self.task.needs[self.task.items[other].workload] for other in leaving]
        return all(sum(each[dimension] for each in needs) >= amount for dimension, amount in lacking)

    def _instead(self, number: int, host: int, leaving: tuple[int, ...]) -> bool:
        before = {other: at for at, others in self.placed.items() for other in others}
        for other in leaving:
            self._take(other, host)
        self.floor = self.steps - self.steps // _SHARE
        if self._put(number, host) and all(self._place(other) for other in leaving):
            return True
        self._go_back(before)
        return False

    def _go_back(self, before: dict[int, int]) -> None:
        now = {other: at for at, others in self.placed.items() for other in others}
        for other, host in now.items():
            if before.get(other) != host:
                self._take(other, host)
        for other, host in before.items():
            if now.get(other) != host:
                self._put(other, host)

    def _undo(self, done: list[tuple[int, int | None, int]]) -> None:
        for number, left, host in reversed(done):
            if self.board.where[number] == host:
                self._take(number, host)
            if left is not None:
                self._put(number, left)


def _hosts_left(number: int, came: dict[int, tuple[int, int]]) -> Iterator[int]:
    while number in came:
        number, host = came[number]
        yield host
