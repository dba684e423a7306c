"""What a placement solver is given and what it answers; the hook `trellis_solver` registers one."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from trellis.placing.task import Task

Where = tuple[int | None, ...]
Standing = tuple[tuple[int, ...], int, int, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a solver may spend.

    Attributes:
        seconds: of time, after which a solver answers with the best that it has.
        effort: of steps; it is what normally ends a search, so that the answer does not depend on the machine.
        clock: tells the time in seconds.
    """

    seconds: float = 20.0
    effort: int = 20_000
    clock: Callable[[], float] = time.monotonic

    def left_since(self, start: float) -> "Limits":
        """The same limits with the seconds that are left of them, by the clock, since that moment."""
        return replace(self, seconds=max(0.0, self.seconds - (self.clock() - start)))


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a solver puts every item.

    Attributes:
        where: by item, the number of its host, or None.
        proven: no answer stands better by `standing`.
        note: one sentence on what was proven, or on what ended the search short of a proof.
    """

    where: Where
    proven: bool
    note: str


@runtime_checkable
class Solver(Protocol):
    """Finds hosts for the items that the sticky greedy pass could not place."""

    name: str

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        """The best answer found: as many as possible placed by priority, then the fewest and cheapest moves.

        Args:
            task: what is to be placed. Nothing in it is to be changed.
            start: a placement that keeps every rule, with None for what found no host.
            limits: what may be spent. The same task, start and effort must give the same answer.
        """
        ...


def standing(task: Task, where: Where) -> Standing:
    """What makes one answer better than another: the smaller, the better.

    (required items without a host by priority, highest first; moves; moves of coordinated services;
    bytes that the moved instances hold in memory and on disk), others without a host added to the moves.
    """
    homeless: Counter[int] = Counter()
    moves = coordinated = size = 0
    for item, host in zip(task.items, where, strict=True):
        load = task.workloads[item.workload]
        if host is None and item.required:
            homeless[load.priority] += 1
        elif host is None:
            moves += 1
        elif item.index is not None and host != item.home:
            moves += 1
            coordinated += load.relocatable == "coordinated"
            size += task.needs[item.workload][1] + task.needs[item.workload][2]
    priorities = sorted({load.priority for load in task.workloads}, reverse=True)
    return tuple(homeless[priority] for priority in priorities), moves, coordinated, size


def real_moves(task: Task, where: Where) -> int:
    """Running items that have another host than they run on; those without a host are not moves."""
    return sum(
        1
        for item, host in zip(task.items, where, strict=True)
        if host is not None and item.index is not None and host != item.home
    )


def forced_moves(task: Task) -> int:
    """Running items that the rules do not let stay: no placement has fewer moves."""
    return sum(1 for item in task.items if item.index is not None and not item.stays)
