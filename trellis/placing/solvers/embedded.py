"""The embedded solver: repair, and for small problems a search to the end with python-constraint."""

from dataclasses import replace

from trellis.placing.solvers.contract import Answer, Limits, Where, forced_moves, real_moves, standing
from trellis.placing.solvers.repairing import lacks, repair
from trellis.placing.task import Task


class Embedded:
    """Needs nothing besides python-constraint; see docs/explanation/placement.md for how it searches."""

    name = "constraint"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        """As `Solver.solve`."""
        begun = limits.clock()
        best = repair(task, start, limits)
        return _search_to_the_end(task, start, best, limits.left_since(begun))


def _search_to_the_end(task: Task, start: Where, best: Where, limits: Limits) -> Answer:
    lacking = lacks(task, best)
    fewest = forced_moves(task)
    moves = standing(task, best)[1]
    if not lacking and moves <= fewest:
        return Answer(best, proven=True, note="proven: only what has to move moves")
    return _Closer(task, start, limits).close(best, lacking=lacking)


class _Closer:
    """Closes the gap between what was found and what is possible, where the problem is small enough."""

    def __init__(self, task: Task, start: Where, limits: Limits) -> None:
        self.task = task
        self.start = start
        self.limits = replace(limits, effort=max(1, limits.effort // 10), seconds=limits.seconds / 4)

    def close(self, best: Where, *, lacking: bool) -> Answer:
        """The best answer, with a proof if the search came to its end."""
        from trellis.placing.solvers.exact import MOST_PLACES, OutOfEffortError, free_items, search

        if len(free_items(self.task, self.start)) * len(self.task.hosts) > MOST_PLACES:
            return Answer(best, proven=False, note="too large to prove that nothing better exists")
        most = len(self.task.items) if lacking else real_moves(self.task, best) - 1
        try:
            while (found := search(self.task, self.start, most, self.limits)) is not None:
                best, lacking = found, False
                most = real_moves(self.task, found) - 1
        except OutOfEffortError:
            return Answer(best, proven=False, note="the search ended at its limit, short of a proof")
        if lacking:
            return Answer(best, proven=False, note="proven: not everything that is asked for can be placed")
        return Answer(best, proven=True, note="proven: no placement needs fewer moves")
