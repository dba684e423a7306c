"""Pack tightly by guided ejection: what is hard to place throws out what is easy to place."""

import random
from collections import deque
from itertools import combinations

from trellis.placing.board import Board
from trellis.placing.greedy import bring
from trellis.placing.solvers.contract import Limits, standing
from trellis.placing.task import Task

_HOSTS_TRIED = 40
# Steps after which a search without a gain is given up: the more waits, the longer it is worth it.
_PATIENCE = 400
_PATIENCE_EACH = 100
_MOST_PATIENT_FOR = 60
_MOST_IDLE = 200  # steps in a row that found nobody to throw out
_MOVE_PENALTY = 8  # how much harder than a new item a running one is thrown off its host


class Packer:
    """Searches on a board from what it holds; ejected items wait in a pool.

    After Nagata and Bräysy, "A powerful route minimization heuristic for the vehicle routing problem with time
    windows" (2009): an item that could not be placed gets a higher penalty, and the items that are thrown out
    are those with the lowest penalties, so that the hard ones end up placed.
    """

    def __init__(self, board: Board, limits: Limits) -> None:
        self.board = board
        self.limits = limits
        self.random = random.Random(1)  # noqa: S311 - it breaks ties; the same seed gives the same placement
        self._throwable = [item.movable and item.bound_to is None for item in board.task.items]
        self.penalty = [1] * len(board.task.items)

    def run(self, steps: int) -> None:
        """Search until every required item has a host or `steps` are used; the board holds the best found."""
        pool = _Pool(self.board.task, self._unplaced())
        best = _Best(self.board, pool)
        patience = _PATIENCE + _PATIENCE_EACH * min(len(pool.items), _MOST_PATIENT_FOR)
        deadline = self.limits.clock() + self.limits.seconds
        idle = 0
        for step in range(steps):
            if not pool.items or step - best.step > patience or idle > min(len(pool.items), _MOST_IDLE):
                break
            if step % 16 == 0 and self.limits.clock() > deadline:
                break
            idle = 0 if self._step(pool) else idle + 1
            best.look(step)
        put_all(self.board, best.where)

    def _unplaced(self) -> list[int]:
        task = self.board.task
        pool = [number for number in self.board.homeless() if task.items[number].required]
        return sorted(pool, key=self._size)

    def _size(self, number: int) -> tuple[int, float, int]:
        task = self.board.task
        workload = task.items[number].workload
        return task.workloads[workload].priority, float(sum(task.needs[workload])), number

    def _step(self, pool: "_Pool") -> bool:
        number = pool.pop()
        if self.board.where[number] is not None or self._put(number):
            return True  # if it has a host, a partner brought it along
        self.penalty[number] += 1
        choice = self._cheapest_ejection(number)
        if choice is None:
            pool.put_last(number)
            return False
        host, leaving = choice
        mark = self.board.mark()
        if self.board.take_all(leaving) and bring(self.board, number, host):
            for item in sorted(leaving, key=self._size):
                pool.push(item)
        else:
            self.board.undo(mark)
            pool.put_last(number)
        return True

    def _put(self, number: int) -> bool:
        board = self.board
        item = board.task.items[number]
        if item.stays and item.home is not None and bring(board, number, item.home):
            return True
        hosts = board.task.candidates_of(item)
        room = board.with_room(item.workload, hosts)
        room.sort(key=lambda host: (self._gap(host, item.workload), host))
        return any(bring(board, number, host) for host in room)

    def _gap(self, host: int, workload: int) -> float:
        # Squares of the shares that stay free: low where the item fills the host evenly in all dimensions.
        task = self.board.task
        shares = (
            (column[host] - need) / most if most > 0 else 0.0
            for column, need, most in zip(self.board.free, task.needs[workload], task.capacity[host], strict=True)
        )
        return sum(share * share for share in shares)

    def _cheapest_ejection(self, number: int) -> tuple[int, tuple[int, ...]] | None:
        item = self.board.task.items[number]
        hosts = self.board.task.candidates_of(item)
        if len(hosts) > _HOSTS_TRIED:
            hosts = tuple(self.random.sample(hosts, _HOSTS_TRIED))
        best: tuple[int, float, int, tuple[int, ...]] | None = None
        for host in hosts:
            found = self._cheapest_on(item.workload, host, best[0] if best else 1 << 60)
            if found is not None:
                entry = (found[0], self.random.random(), host, found[1])
                best = entry if best is None or entry < best else best
        return None if best is None else (best[2], best[3])

    def _cheapest_on(self, workload: int, host: int, most: int) -> tuple[int, tuple[int, ...]] | None:
        board = self.board
        lacking = board.lacking(workload, host)
        costs = sorted((self._cost(n), n) for n in board.on[host] if self._may_go(n, workload))
        single = self._cheapest_single(workload, host, costs, lacking)
        if single is not None:
            most = min(most, single[0])
        elif costs and costs[0][0] > most:
            return None
        return self._cheapest_pair(workload, host, costs, lacking, most) or single

    def _cheapest_single(
        self, workload: int, host: int, costs: list[tuple[int, int]], lacking: list[tuple[int, int]]
    ) -> tuple[int, tuple[int, ...]] | None:
        task = self.board.task
        ruled = task.has_rules(workload)
        for cost, number in costs:
            needs = task.needs[task.items[number].workload]
            if all(needs[d] >= amount for d, amount in lacking) and (
                not ruled or self._allowed_without(workload, host, (number,))
            ):
                return cost, (number,)
        return None

    def _cheapest_pair(
        self, workload: int, host: int, costs: list[tuple[int, int]], lacking: list[tuple[int, int]], most: int
    ) -> tuple[int, tuple[int, ...]] | None:
        task = self.board.task
        best = None
        ruled = task.has_rules(workload)
        for (cost, one), (other_cost, other) in combinations(costs, 2):
            if cost + other_cost >= most:
                continue
            needs, more = task.needs[task.items[one].workload], task.needs[task.items[other].workload]
            if all(needs[d] + more[d] >= amount for d, amount in lacking) and (
                not ruled or self._allowed_without(workload, host, (one, other))
            ):
                most, best = cost + other_cost, (one, other)
        return None if best is None else (most, best)

    def _cost(self, number: int) -> int:
        item = self.board.task.items[number]
        at_home = item.index is not None and self.board.where[number] == item.home
        return self.penalty[number] * (_MOVE_PENALTY if at_home else 1)

    def _may_go(self, number: int, workload: int) -> bool:
        task = self.board.task
        item = task.items[number]
        if not self._throwable[number] or item.workload == workload:
            return False
        if task.workloads[item.workload].priority > task.workloads[workload].priority:
            return False
        return self.board.may_leave(number)

    def _allowed_without(self, workload: int, host: int, leaving: tuple[int, ...]) -> bool:
        mark = self.board.mark()
        for item in leaving:
            self.board.take(item)
        allowed = self.board.rules_allow(workload, host)
        self.board.undo(mark)
        return allowed


class _Pool:
    """Items that wait for a host, and how many of each priority; required ones only count."""

    def __init__(self, task: Task, items: list[int]) -> None:
        self.items = deque(items)
        self._priorities = [-task.workloads[item.workload].priority for item in task.items]
        self._required = [item.required for item in task.items]
        levels = sorted(set(self._priorities))
        self._rank = {priority: rank for rank, priority in enumerate(levels)}
        self.lacking = [0] * len(levels)
        for number in items:
            self._count(number, 1)

    def _count(self, number: int, sign: int) -> None:
        if self._required[number]:
            self.lacking[self._rank[self._priorities[number]]] += sign

    def pop(self) -> int:
        number = self.items.pop()
        self._count(number, -1)
        return number

    def push(self, number: int) -> None:
        """The next one to be tried."""
        self.items.append(number)
        self._count(number, 1)

    def put_last(self, number: int) -> None:
        """The last one to be tried."""
        self.items.appendleft(number)
        self._count(number, 1)


class _Best:
    """The best that a search has seen, and at which step."""

    def __init__(self, board: Board, pool: _Pool) -> None:
        self._board = board
        self._pool = pool
        self.step = 0
        self.where = tuple(board.where)
        self._lacking = list(pool.lacking)
        self._standing = standing(board.task, self.where)

    def look(self, step: int) -> None:
        """Remember what the board holds if it is better; of equal ones, moves are compared now and then."""
        if self._pool.lacking > self._lacking or (self._pool.lacking == self._lacking and step % 50):
            return
        now = standing(self._board.task, tuple(self._board.where))
        if now < self._standing:
            if now[0] < self._standing[0]:
                self.step = step
            self.where, self._standing, self._lacking = tuple(self._board.where), now, list(self._pool.lacking)


def put_all(board: Board, where: tuple[int | None, ...]) -> None:
    """Make the board hold exactly `where`."""
    changed = [item for item, host in enumerate(where) if board.where[item] != host]
    for item in changed:
        if board.where[item] is not None:
            board.take(item)
    for item in changed:
        host = where[item]
        if host is not None:
            board.put(item, host)
