"""Repair a start that leaves something out: match, fill, displace, pack; both bundled solvers begin so."""

import random
from collections import defaultdict
from collections.abc import Iterator

from trellis.placing.board import Board
from trellis.placing.greedy import bring
from trellis.placing.solvers.contract import Limits, Where, forced_moves, standing
from trellis.placing.solvers.displacing import Displacer
from trellis.placing.solvers.filling import Filler, is_worth_filling
from trellis.placing.solvers.matching import Matcher
from trellis.placing.solvers.packing import Packer, put_all
from trellis.placing.task import Task

_STEPS = 5  # hosts looked at, for each step of effort
_PAIRS = 100  # workloads and hosts looked at, for each step of effort, where nothing else is moved
_FILLINGS = 200  # of hosts, for each step of effort
_ORDERS = 40  # in which what waits is tried
_MOST_WAITING = 300  # above that, one order has to do
_MOST_MATCHED = 1_000
_MOST_LEFT = 20  # one in so many


def repair(task: Task, start: Where, limits: Limits) -> Where:
    """The best that matching, filling, displacing and packing find from the start; never worse than it."""
    begun = limits.clock()
    board = Board(task)
    put_all(board, start)
    put_all(board, _match(board, limits))
    put_all(board, _fill(board, limits))
    best = _displace(board, limits)
    if lacks(task, best):
        put_all(board, best)
        Packer(board, limits.left_since(begun)).run(limits.effort)
        _go_home(board)
        best = _better(task, best, tuple(board.where))
    return best


def lacks(task: Task, where: Where) -> bool:
    """Whether a required item has no host."""
    return any(host is None and item.required for item, host in zip(task.items, where, strict=True))


def _better(task: Task, one: Where, other: Where) -> Where:
    return min(one, other, key=lambda where: standing(task, where))


def matched(task: Task, limits: Limits) -> Where:
    """The items of a task in which nothing has a host yet, as far as matching finds them one."""
    board = Board(task)
    Matcher(board, board.homeless(), _PAIRS * limits.effort).run()
    return tuple(board.where)


def _match(board: Board, limits: Limits) -> Where:
    """What waits on hosts that have room for it, nothing else moved; the start where that leaves too much waiting."""
    task = board.task
    given = tuple(board.where)
    cleared = only_at_home(task, given)
    waiting = _waiting(task, cleared)
    if not waiting or len(waiting) > min(_MOST_MATCHED, len(cleared) // 2):
        return given  # where little runs yet, another start packs better
    if any(_has_company(task, task.items[number].workload) for number in waiting):
        return given  # partners come and go together; displacing knows how
    put_all(board, cleared)
    Matcher(board, waiting, _PAIRS * limits.effort).run()
    left = len(_waiting(task, tuple(board.where)))
    # A few are soon made room for.
    return given if left * _MOST_LEFT > len(waiting) else _better(task, given, tuple(board.where))


def _fill(board: Board, limits: Limits) -> Where:
    """Hosts filled anew with what is nobody's partner and runs nowhere; the start where that places no more."""
    task = board.task
    given = tuple(board.where)
    free = [number for number in range(len(given)) if _is_free(task, given, number)]
    if not lacks(task, given) or not is_worth_filling(len(free), len(task.hosts)):
        return given
    deadline = limits.clock() + limits.seconds / 3
    by_priority: dict[int, list[int]] = defaultdict(list)
    for number in free:
        by_priority[-_priority(task, number)].append(number)
        if board.where[number] is not None:
            board.take(number)
    for _, numbers in sorted(by_priority.items()):
        Filler(board, numbers, _FILLINGS * limits.effort, lambda: limits.clock() > deadline).run()
    return _better(task, given, tuple(board.where))


def _is_free(task: Task, where: Where, number: int) -> bool:
    item = task.items[number]
    at_home = where[number] is not None and where[number] == item.home
    return item.required and item.bound_to is None and not at_home and not task.has_rules(item.workload)


def _has_company(task: Task, workload: int) -> bool:
    return bool(task.workloads[workload].together_with or task.needed_by[workload])


def _displace(board: Board, limits: Limits) -> Where:
    """The best of several orders in which what waits is given a host: the order decides who has to make room."""
    task = board.task
    best = tuple(board.where)
    deadline = limits.clock() + limits.seconds / 2
    more = limits.effort // 2
    for start, waiting, is_first in _tries(task, best):
        put_all(board, start)
        # The first orders may cost what they take; that others find fewer moves is worth less.
        displacer = Displacer(board, _STEPS * limits.effort if is_first else more)
        for number in waiting:
            displacer.place(number)
        _go_home(board)
        best = _better(task, best, tuple(board.where))
        more = more if is_first else displacer.steps
        if is_least(task, best) or more <= 0 or limits.clock() > deadline:
            break
    return best


def _tries(task: Task, given: Where) -> Iterator[tuple[Where, list[int], bool]]:
    """Starts with an order of what waits in each, and whether it is the first of that start."""
    starts = [(given, _waiting(task, given))]
    # Cleared, a partner might be missing from beside one that is bound to its host.
    company = any(_has_company(task, workload) for workload in range(len(task.workloads)))
    cleared = given if company else only_at_home(task, given)
    anew = _waiting(task, cleared)
    # Where there is enough to fill hosts with, that has been done, and packs better.
    if 0 < len(anew) <= _MOST_WAITING and not company and not is_worth_filling(len(anew), len(task.hosts)):
        starts.append((cleared, anew))
    for start, waiting in starts:
        yield start, waiting, True
    mixed = random.Random(1)  # noqa: S311 - it shuffles; the same seed gives the same placement
    start, waiting = starts[-1]
    for _ in range(_ORDERS if 1 < len(waiting) <= _MOST_WAITING else 0):
        mixed.shuffle(waiting)
        yield start, sorted(waiting, key=lambda number: -_priority(task, number)), False


def only_at_home(task: Task, where: Where) -> Where:
    """The same with everything without a host that has one elsewhere than where it runs, and may have another."""
    # An even load leaves a little room on every host; filling gaps closely leaves room for what is large.
    return tuple(
        host if host is not None and (host == item.home or item.bound_to is not None) else None
        for item, host in zip(task.items, where, strict=True)
    )


def is_least(task: Task, where: Where) -> bool:
    """Whether everything required has a host and only what has to move moves: nothing stands better but by size."""
    return not lacks(task, where) and standing(task, where)[1] == forced_moves(task)


def _waiting(task: Task, where: Where) -> list[int]:
    waiting = [n for n, host in enumerate(where) if host is None and task.items[n].required]
    return sorted(waiting, key=lambda n: (-_priority(task, n), -sum(task.needs[task.items[n].workload]), n))


def _priority(task: Task, number: int) -> int:
    return task.workloads[task.items[number].workload].priority


def _go_home(board: Board) -> None:
    """Take back moves that turned out not to be needed."""
    for number, item in enumerate(board.task.items):
        host = board.where[number]
        if not item.stays or item.home is None or host in (None, item.home) or not board.may_leave(number):
            continue
        board.take(number)
        if not bring(board, number, item.home):
            board.put(number, host)
