"""Repair a start that leaves something out: displace first, then pack; both bundled solvers begin so."""

from trellis.placing.board import Board
from trellis.placing.greedy import bring
from trellis.placing.solvers.contract import Limits, Where, standing
from trellis.placing.solvers.displacing import Displacer
from trellis.placing.solvers.packing import Packer, put_all
from trellis.placing.task import Task


def repair(task: Task, start: Where, limits: Limits) -> Where:
    """The best that displacing and packing find from the start; never worse than it."""
    board = Board(task)
    put_all(board, start)
    _displace(board, limits)
    best = _better(task, start, tuple(board.where))
    if lacks(task, best):
        Packer(board, limits).run(limits.effort)
        _go_home(board)
        best = _better(task, best, tuple(board.where))
    return best


def lacks(task: Task, where: Where) -> bool:
    """Whether a required item has no host."""
    return any(host is None and item.required for item, host in zip(task.items, where, strict=True))


def _better(task: Task, one: Where, other: Where) -> Where:
    return min(one, other, key=lambda where: standing(task, where))


def _displace(board: Board, limits: Limits) -> None:
    task = board.task
    waiting = [number for number in board.homeless() if task.items[number].required]
    waiting.sort(key=lambda n: (-task.workloads[task.items[n].workload].priority, -sum(_needs(task, n)), n))
    displacer = Displacer(board, limits.effort)
    for number in waiting:
        displacer.place(number)


def _needs(task: Task, number: int) -> tuple[int, ...]:
    return task.needs[task.items[number].workload]


def _go_home(board: Board) -> None:
    """Take back moves that turned out not to be needed."""
    for number, item in enumerate(board.task.items):
        host = board.where[number]
        if not item.stays or item.home is None or host in (None, item.home) or not board.may_leave(number):
            continue
        board.take(number)
        if not bring(board, number, item.home):
            board.put(number, host)
