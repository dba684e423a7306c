"""The sticky greedy pass: what runs stays where it may, then the rest is placed, the big first."""

from collections import defaultdict
from heapq import heapify, heappop, heappush
from typing import Any

from trellis.placing.amounts import UNKNOWN
from trellis.placing.board import Board
from trellis.placing.model import Strategy
from trellis.placing.task import Item, Task

_WHY = {
    Strategy.LEAST_LOADED: "least loaded",
    Strategy.SPREAD: "fewest instances",
    Strategy.PACK: "fullest that has room",
}

_LOOKED_AT = 32


def keep_running(board: Board) -> None:
    """Put every running instance on its host where the rules still allow that; what cannot move goes first."""
    task = board.task
    homes = [number for number, item in enumerate(task.items) if item.stays]
    homes.sort(key=lambda number: _order_of_staying(task, number))
    for number in homes:
        item = task.items[number]
        if item.home is not None and _may_stay(board, item, item.home):
            board.put(number, item.home)
    _part_from_missing_partners(board, homes)


def _order_of_staying(task: Task, number: int) -> tuple[bool, bool, int]:
    # Of two that are kept apart and cannot move, the one that is needed stays. Then small ones come first: where a
    # host is too full, the fewest have to leave.
    item = task.items[number]
    return item.movable, not item.required, sum(task.needs[item.workload])


def _may_stay(board: Board, item: Item, home: int) -> bool:
    host = board.task.hosts[home]
    if not host.answers and not host.draining:
        return True
    if board.task.has_rules(item.workload) and not board.rules_allow(item.workload, home, partners=False):
        return False
    # What cannot move goes on running on a host that became too small, unless it wants more than it has.
    return board.has_room(item.workload, home) or not (item.movable or item.grown)


def _part_from_missing_partners(board: Board, homes: list[int]) -> None:
    leaving = True
    while leaving:
        leaving = False
        for number in homes:
            item, host = board.task.items[number], board.where[number]
            if host is None or not _lacks_partner(board, item, host) or _bring_partners(board, number, host):
                continue
            board.take(number)
            leaving = True


def _lacks_partner(board: Board, item: Item, host: int) -> bool:
    offer = board.task.hosts[host]
    return bool(board.missing_partners(item.workload, host)) and (offer.answers or offer.draining)


def crowded_out(board: Board) -> list[int]:
    """Running items that only lack of room keeps from staying at home."""
    task = board.task
    return [
        number
        for number in board.homeless()
        if (item := task.items[number]).stays
        and item.home is not None
        and not item.grown
        and not board.has_room(item.workload, item.home)
    ]


def send_home(board: Board, numbers: list[int]) -> None:
    """Put those that found no host back where they run, where only room is lacking: stopping them is worse."""
    task = board.task
    returned = True
    while returned:
        returned = False
        for number in numbers:
            item = task.items[number]
            if board.where[number] is None and item.home is not None and _may_return(board, item.workload, item.home):
                board.put(number, item.home)
                returned = True


def _may_return(board: Board, workload: int, home: int) -> bool:
    # Not where something new took the room: a host may be too full only of what runs there already.
    task = board.task
    new = [task.items[number].workload for number in board.on[home] if task.items[number].home != home]
    lacking = [dimension for dimension, _ in board.lacking(workload, home)]
    taken = any(task.needs[other][dimension] for other in new for dimension in lacking)
    return not taken and board.rules_allow(workload, home)


def place_rest(board: Board, numbers: list[int], strategy: Strategy | None = None) -> None:
    """Place those items: by priority, services that bring partners first, then the big first."""
    waiting: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        waiting[board.task.items[number].workload].append(number)
    for required in (True, False):
        for workload in _order(board.task, list(waiting)):
            numbers = [n for n in waiting[workload] if board.task.items[n].required is required]
            _place_workload(board, workload, numbers, strategy or board.task.problem.strategy)


def _order(task: Task, workloads: list[int]) -> list[int]:
    most = [max((c[d] for c in task.capacity if c[d] < UNKNOWN), default=0) for d in range(4)]

    def rank(workload: int) -> tuple[int, bool, bool, float, int]:
        load = task.workloads[workload]
        choice = len(task.candidates[workload]) > 1
        share = max(need / size if size > 0 else 0.0 for need, size in zip(task.needs[workload], most, strict=True))
        return -load.priority, choice, not load.together_with, -share, workload

    return sorted(workloads, key=rank)


def _place_workload(board: Board, workload: int, numbers: list[int], strategy: Strategy) -> None:
    anywhere = []
    for number in numbers:
        if board.where[number] is not None:
            continue  # a partner brought it along
        bound = board.task.items[number].bound_to
        if bound is None:
            anywhere.append(number)
        elif bring(board, number, bound):
            board.why[number] = f"one of the hosts that carry {board.task.workloads[workload].role}"
    if anywhere:
        chooser = _Chooser(board, workload, strategy, len(anywhere))
        for number in anywhere:
            chooser.place(number)


def bring(board: Board, number: int, host: int) -> bool:
    """Put the item on the host, with those partners that have no host yet; False, and nothing done, if it fails."""
    workload = board.task.items[number].workload
    if not board.has_room(workload, host) or not board.rules_allow(workload, host, partners=False):
        return False
    board.put(number, host)
    if _bring_partners(board, number, host):
        return True
    board.take(number)
    return False


def _bring_partners(board: Board, number: int, host: int) -> bool:
    """Put what must be beside the item there, of what has no host yet; False, and nothing done, if that fails."""
    workload = board.task.items[number].workload
    mark = board.mark()
    for partner in board.missing_partners(workload, host):
        other = _waiting_for(board, partner, host)
        if other is None or not bring(board, other, host):
            board.undo(mark)
            return False
        board.why[other] = f"together with {board.task.workloads[workload].service}"
    return True


def _waiting_for(board: Board, service: str, host: int) -> int | None:
    task = board.task
    return next(
        (
            number
            for number, item in enumerate(task.items)
            if board.where[number] is None
            and task.workloads[item.workload].service == service
            and host in task.candidates_of(item)
        ),
        None,
    )


class _Chooser:
    """Chooses hosts for the instances of one workload, one after the other."""

    def __init__(self, board: Board, workload: int, strategy: Strategy, expected: int) -> None:
        self.board = board
        self.workload = workload
        self.load = board.task.workloads[workload]
        self.strategy = strategy
        self.hosts = board.task.candidates[workload]
        self.ruled = board.task.has_rules(workload)
        self.needless = not any(board.task.needs[workload])
        # One heap for each value of the labels to spread over; a plain workload has one in all.
        self.heaps: dict[tuple[str | None, ...], list[tuple[Any, int]]] = defaultdict(list)
        self.later = board.with_room(workload, self.hosts)
        self._look_at(len(self.later) if self._looks_at_all() else _LOOKED_AT + 2 * expected)
        self.counts = self._counts()

    def _looks_at_all(self) -> bool:
        return self.needless or bool(self.load.spread_over) or self.strategy is Strategy.SPREAD

    def _look_at(self, number: int) -> None:
        # Which host is best after one more instance is nearly always among those that are best before it.
        if number < len(self.later):
            left = self.board.left_of
            self.later.sort(key=left.__getitem__, reverse=self.strategy is not Strategy.PACK)
        for host in self.later[:number]:
            self.heaps[self._labels(host)].append((self._rank(host), host))
        del self.later[:number]
        for heap in self.heaps.values():
            heapify(heap)

    def _labels(self, host: int) -> tuple[str | None, ...]:
        labels = self.board.task.hosts[host].labels
        return tuple(labels.get(key) for key in self.load.spread_over)

    def _counts(self) -> list[dict[str | None, int]]:
        counts: list[dict[str | None, int]] = [defaultdict(int) for _ in self.load.spread_over]
        if self.load.spread_over:
            for host, services in enumerate(self.board.services):
                for count, label in zip(counts, self._labels(host), strict=True):
                    count[label] += services.get(self.load.service, 0)
        return counts

    def _rank(self, host: int) -> tuple[Any, ...]:
        board = self.board
        left = board.left(host, self.workload)
        if self.strategy is Strategy.PACK:
            return left, host
        same = board.services[host].get(self.load.service, 0)
        if self.strategy is Strategy.SPREAD or self.needless:
            return same, len(board.on[host]), -left, host
        return -left, same, len(board.on[host]), host

    def place(self, number: int) -> bool:
        """Give one item a host; False when there is none."""
        groups = sorted(self.heaps, key=self._group_rank) if self.load.spread_over else list(self.heaps)
        for group in groups:
            host = self._best_of(group, number)
            if host is not None:
                self.board.why[number] = self._why()
                for count, label in zip(self.counts, group, strict=True):
                    count[label] += 1
                return True
        if not self.later:
            return False
        self._look_at(len(self.later))
        return self.place(number)

    def _group_rank(self, group: tuple[str | None, ...]) -> tuple[Any, ...]:
        heap = self.heaps[group]
        counts = tuple(count[label] for count, label in zip(self.counts, group, strict=True))
        return counts, not heap, heap[0] if heap else ()

    def _best_of(self, group: tuple[str | None, ...], number: int) -> int | None:
        heap = self.heaps[group]
        while heap:
            _, host = heappop(heap)
            if not self._put(number, host):
                continue  # it only gets fuller while this workload is placed
            if self.board.has_room(self.workload, host):
                heappush(heap, (self._rank(host), host))
            return host
        return None

    def _put(self, number: int, host: int) -> bool:
        if self.ruled:
            return bring(self.board, number, host)
        if not self.board.has_room(self.workload, host):
            return False
        self.board.put(number, host)
        return True

    def _why(self) -> str:
        if self.load.pinned_to:
            return f"pinned to {', '.join(sorted(self.load.pinned_to))}"
        if len(self.hosts) == 1:
            return f"the only host that may run {self.load.service}"
        spread = f"evenly over {' and '.join(self.load.spread_over)}, " if self.load.spread_over else ""
        return f"{spread}{_WHY[self.strategy]} of {len(self.hosts)} hosts that carry {self.load.role}"
