"""Make room for what fits nowhere: put another instance elsewhere, the fewest and the cheapest."""

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from trellis.placing.board import Board
from trellis.placing.greedy import bring


class Ejection(NamedTuple):
    """Items that leave a host so that another fits there; compares by cost."""

    cost: tuple[int, int]
    host: int
    items: tuple[int, ...]


_MOST_TRIED = 200


class Displacer:
    """Makes room on a board.

    Args:
        board: what is changed.
        steps: how many hosts may be looked at in all.
    """

    def __init__(self, board: Board, steps: int) -> None:
        self.board = board
        self.steps = steps
        self._room: dict[int, list[int]] = {}
        self._failed: set[tuple[int, int]] = set()
        self._movable = [item.movable and item.bound_to is None for item in board.task.items]
        self._needs = [board.task.needs[item.workload] for item in board.task.items]

    def place(self, number: int, depth: int = 2) -> bool:
        """Give the item a host, others displaced by at most `depth` hosts in a row; False if that fails."""
        if self._put_directly(number):
            return True
        return any(
            self._apply(ejection, number, depth) for leaving in (1, 2) for ejection in self._ejections(number, leaving)
        )

    # -- without displacing

    def _hosts_with_room(self, workload: int) -> list[int]:
        # Remembered until something moves: many items of the same workload are asked about in a row.
        if workload not in self._room:
            self._room[workload] = self.board.with_room(workload, self.board.task.candidates[workload])
        return self._room[workload]

    def _put_directly(self, number: int) -> bool:
        if self.board.where[number] is not None:
            return True  # a partner brought it along
        item = self.board.task.items[number]
        bound = item.bound_to
        hosts = self._hosts_with_room(item.workload) if bound is None else [bound]
        if item.home in hosts:
            hosts = [item.home, *(host for host in hosts if host != item.home)]
        else:
            hosts = sorted(hosts, key=lambda host: (self.board.left(host, item.workload), host))
        if any(bring(self.board, number, host) for host in hosts):
            self._room.clear()
            return True
        return False

    # -- by displacing

    def _ejections(self, number: int, leaving: int) -> list[Ejection]:
        item = self.board.task.items[number]
        found: list[Ejection] = []
        for host in self.board.task.candidates_of(item):
            self.steps -= 1 + len(self.board.on[host]) ** leaving // 50
            if self.steps < 0:
                break
            found.extend(self._ejections_on(item.workload, host, leaving))
        found.sort()
        return found[:_MOST_TRIED]

    def _ejections_on(self, workload: int, host: int, leaving: int) -> Iterable[Ejection]:
        # One of the same workload is as large: to put it elsewhere is as hard.
        movable = sorted(
            item
            for item in self.board.on[host]
            if self._movable[item] and self.board.task.items[item].workload != workload
        )
        lacking = self.board.lacking(workload, host)
        ruled = self.board.task.has_rules(workload)
        return [
            Ejection(self._cost(items), host, items)
            for items in combinations(movable, leaving)
            if self._frees(items, lacking)
            and all(self.board.may_leave(item) for item in items)
            and (not ruled or self._rules_allow_without(workload, host, items))
        ]

    def _frees(self, leaving: tuple[int, ...], lacking: list[tuple[int, int]]) -> bool:
        needs = self._needs
        if len(leaving) == 1:
            alone = needs[leaving[0]]
            return all(alone[dimension] >= amount for dimension, amount in lacking)
        return all(sum(needs[item][dimension] for item in leaving) >= amount for dimension, amount in lacking)

    def _rules_allow_without(self, workload: int, host: int, leaving: tuple[int, ...]) -> bool:
        for item in leaving:
            self.board.take(item)
        allowed = self.board.rules_allow(workload, host)
        for item in leaving:
            self.board.put(item, host)
        return allowed

    def _cost(self, items: tuple[int, ...]) -> tuple[int, int]:
        task = self.board.task
        moves = size = 0
        for number in items:
            item = task.items[number]
            moves += item.index is not None and self.board.where[number] == item.home
            moves += not self._hosts_with_room(item.workload)  # another would have to leave in turn
            size += sum(task.needs[item.workload][1:3])
        return moves, size

    def _apply(self, ejection: Ejection, number: int, depth: int) -> bool:
        mark = self.board.mark()
        gone = self.board.take_all(ejection.items)
        self._room.clear()
        done = (
            gone
            and bring(self.board, number, ejection.host)
            and all(
                self._put_directly(item) or (depth > 1 and self.steps > 0 and self.place(item, depth - 1))
                for item in ejection.items
            )
        )
        if not done:
            self.board.undo(mark)
            self._room.clear()
        return done
