"""The smaller problem of what waits for a host, with everything else fixed where it is."""

from dataclasses import dataclass, replace

from trellis.placing.board import Board
from trellis.placing.solvers.contract import Where
from trellis.placing.solvers.packing import put_all
from trellis.placing.task import Task


@dataclass(frozen=True, slots=True)
class Narrow:
    """A task of the items that wait, on what the others leave of the hosts.

    Attributes:
        task: the smaller task.
        numbers: by item of the smaller task, its number in the larger one.
        fixed: where the others are.
    """

    task: Task
    numbers: tuple[int, ...]
    fixed: Where

    def widened(self, where: Where) -> Where:
        """The answer to the smaller task as one to the larger."""
        found = list(self.fixed)
        for number, host in zip(self.numbers, where, strict=True):
            found[number] = host
        return tuple(found)


def narrowed(task: Task, fixed: Where) -> Narrow | None:
    """The task of the required items that have no host in `fixed`.

    None where it is no smaller, or where a rule beside capacity concerns one of them.
    """
    waiting = tuple(n for n, item in enumerate(task.items) if fixed[n] is None and item.required)
    workloads = {task.items[number].workload for number in waiting}
    ruled = any(task.has_rules(workload) for workload in workloads)
    if ruled or len(waiting) == len(task.items) or any(task.items[n].bound_to is not None for n in waiting):
        return None
    board = Board(task)
    put_all(board, fixed)
    smaller = replace(
        task,
        capacity=tuple(_left(board, host) for host in range(len(task.hosts))),
        candidates=tuple(
            tuple(board.with_room(workload, hosts)) if workload in workloads else ()
            for workload, hosts in enumerate(task.candidates)
        ),
        items=tuple(replace(task.items[number], home=None, stays=False, movable=True) for number in waiting),
    )
    return Narrow(smaller, waiting, fixed)


def _left(board: Board, host: int) -> tuple[int, int, int, int]:
    cpu, memory, disk, network = (max(0, column[host]) for column in board.free)
    return cpu, memory, disk, network
