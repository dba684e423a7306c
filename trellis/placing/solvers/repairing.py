"""Repair a start that leaves something out: displace first, then pack; both bundled solvers begin so."""

import random
from collections.abc import Iterator

from trellis.placing.board import Board
from trellis.placing.greedy import bring
from trellis.placing.solvers.contract import Limits, Where, forced_moves, standing
from trellis.placing.solvers.displacing import Displacer
from trellis.placing.solvers.packing import Packer, put_all
from trellis.placing.task import Task

_STEPS = 5  # hosts looked at, for each step of effort
_ORDERS = 40  # in which what waits is tried
_MOST_WAITING = 300  # above that, one order has to do


def repair(task: Task, start: Where, limits: Limits) -> Where:
    """The best that displacing and packing find from the start; never worse than it."""
    board = Board(task)
    put_all(board, start)
    best = _displace(board, limits)
    if lacks(task, best):
        put_all(board, best)
        Packer(board, limits).run(limits.effort)
        _go_home(board)
        best = _better(task, best, tuple(board.where))
    return best


def lacks(task: Task, where: Where) -> bool:
    """Whether a required item has no host."""
    return any(host is None and item.required for item, host in zip(task.items, where, strict=True))


def _better(task: Task, one: Where, other: Where) -> Where:
    return min(one, other, key=lambda where: standing(task, where))


def _displace(board: Board, limits: Limits) -> Where:
    """The best of several orders in which what waits is given a host: the order decides who has to make room."""
    task = board.task
    start = best = tuple(board.where)
    steps, deadline = _STEPS * limits.effort, limits.clock() + limits.seconds / 2
    for waiting in _orders(board):
        displacer = Displacer(board, steps)
        for number in waiting:
            displacer.place(number)
        _go_home(board)
        best = _better(task, best, tuple(board.where))
        # The first order may cost what it takes; that others find fewer moves is worth less.
        steps = min(displacer.steps, steps, limits.effort)
        least = not lacks(task, best) and standing(task, best)[1] == forced_moves(task)
        if least or steps <= 0 or limits.clock() > deadline:
            break
        put_all(board, start)
    return best


def _orders(board: Board) -> Iterator[list[int]]:
    task = board.task
    waiting = [number for number in board.homeless() if task.items[number].required]
    waiting.sort(key=lambda n: (-_priority(task, n), -sum(task.needs[task.items[n].workload]), n))
    yield waiting
    mixed = random.Random(1)  # noqa: S311 - it shuffles; the same seed gives the same placement
    for _ in range(_ORDERS if 1 < len(waiting) <= _MOST_WAITING else 0):
        mixed.shuffle(waiting)
        yield sorted(waiting, key=lambda n: -_priority(task, n))


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
