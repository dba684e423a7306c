"""Exact search for small problems with python-constraint: every item placed, with at most so many moves."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from constraint import BacktrackingSolver, Constraint, Domain, Problem

from trellis.placing.board import Board
from trellis.placing.solvers.contract import Limits, Where
from trellis.placing.solvers.packing import put_all
from trellis.placing.task import Task

MOST_PLACES = 2_500  # items times hosts; more than that is not searched to the end in any useful time
_CHECKS_FOR_ONE_STEP = 4


class OutOfEffortError(Exception):
    """The search was ended by its limits: nothing is proven."""


def search(task: Task, start: Where, most_moves: int, limits: Limits) -> Where | None:
    """A placement of every required item with at most `most_moves` moves; None when there is none.

    Raises:
        OutOfEffortError: neither was found within the limits.
    """
    free = free_items(task, start)
    board = Board(task)
    put_all(board, tuple(None if number in free else host for number, host in enumerate(start)))
    rule = _Fits(board, most_moves, limits)
    problem = Problem(BacktrackingSolver())
    for number in sorted(free, key=lambda number: (-_size(task, number), number)):
        domain = _domain(board, number)
        if not domain:
            return None
        problem.addVariable(number, domain)
    problem.addConstraint(rule, list(free))
    solution = problem.getSolution()
    if solution is None:
        return None
    return tuple(solution.get(number, host) for number, host in enumerate(start))


def free_items(task: Task, start: Where) -> dict[int, None]:
    """Items that the search decides on, in order: what waits for a host, and what runs and may be moved."""
    return {
        number: None
        for number, item in enumerate(task.items)
        if item.required
        and (start[number] is None or (item.bound_to is None and (item.movable or start[number] != item.home)))
    }


def _size(task: Task, number: int) -> float:
    needs = task.needs[task.items[number].workload]
    most = [max(1, *(capacity[d] for capacity in task.capacity)) for d in range(len(needs))]
    return max(need / size for need, size in zip(needs, most, strict=True))


def _domain(board: Board, number: int) -> list[int]:
    # python-constraint tries the last value first: home, then where most is left.
    item = board.task.items[number]
    hosts = set(board.with_room(item.workload, board.task.candidates_of(item)))
    if item.stays and item.home is not None and board.has_room(item.workload, item.home):
        hosts.add(item.home)
    return sorted(hosts, key=lambda host: (host == item.home, board.left(host, item.workload), -host))


class _Fits(Constraint):  # type: ignore[misc] # python-constraint ships no types
    """Capacity, rules and the number of moves in one constraint over all variables.

    It keeps a board in step with the assignments, so that a check costs what changed, and hides from the
    variables that are left the hosts that became too full for them.
    """

    def __init__(self, board: Board, most_moves: int, limits: Limits) -> None:
        self.board = board
        self.task = board.task
        self.moves_left = most_moves
        self.checks_left = limits.effort * _CHECKS_FOR_ONE_STEP
        self.clock = limits.clock
        self.deadline = limits.clock() + limits.seconds
        self.trail: list[tuple[int, int]] = []

    def __call__(
        self,
        variables: Sequence[int],
        domains: Mapping[int, Domain],
        assignments: Mapping[int, int],
        forwardcheck: Any = None,  # noqa: ARG002 - python-constraint's signature
        _unassigned: Hashable = None,
    ) -> bool:
        """Whether the assignments hold; hides hosts from the domains of the other variables."""
        self._spend()
        if not self._follow(assignments) or self.moves_left < 0:
            return False
        _, host = self.trail[-1]
        left = [variable for variable in variables if variable not in assignments]
        if not left:
            return self._has_company()
        return self._enough_in_all(left) and all(self._narrow(other, domains[other], host) for other in left)

    def preProcess(self, variables: Any, domains: Any, constraints: Any, vconstraints: Any) -> None:  # noqa: N802
        """Nothing: the domains were made from what has room."""

    def _spend(self) -> None:
        self.checks_left -= 1
        if self.checks_left < 0 or (self.checks_left % 64 == 0 and self.clock() > self.deadline):
            raise OutOfEffortError

    def _follow(self, assignments: Mapping[int, int]) -> bool:
        # Assignments are made and taken back in order; the board follows from where the two part.
        while self.trail and assignments.get(self.trail[-1][0]) != self.trail[-1][1]:
            number, host = self.trail.pop()
            self.board.take(number)
            self.moves_left += self._is_move(number, host)
        followed = {number for number, _ in self.trail}
        for number, host in assignments.items():
            if number not in followed:
                workload = self.task.items[number].workload
                if not self.board.has_room(workload, host) or not self._rules_allow(workload, host):
                    return False
                self.board.put(number, host)
                self.trail.append((number, host))
                self.moves_left -= self._is_move(number, host)
        return True

    def _is_move(self, number: int, host: int) -> bool:
        item = self.task.items[number]
        return item.index is not None and host != item.home

    def _rules_allow(self, workload: int, host: int) -> bool:
        return not self.task.has_rules(workload) or self.board.rules_allow(workload, host, partners=False)

    def _narrow(self, number: int, domain: Domain, host: int) -> bool:
        item = self.task.items[number]
        if host in domain and not (self.board.has_room(item.workload, host) and self._rules_allow(item.workload, host)):
            domain.hideValue(host)
        if self.moves_left == 0 and item.index is not None:
            for other in [other for other in domain if other != item.home]:
                domain.hideValue(other)
        return bool(domain)

    def _enough_in_all(self, left: list[int]) -> bool:
        # What all hosts together have left must do for all that is still to be placed.
        for dimension, column in enumerate(self.board.free):
            wanted = sum(self.task.needs[self.task.items[number].workload][dimension] for number in left)
            if wanted > sum(free for free in column if free > 0):
                return False
        return True

    def _has_company(self) -> bool:
        return all(
            host is None or not self.board.missing_partners(item.workload, host)
            for item, host in zip(self.task.items, self.board.where, strict=True)
        )
