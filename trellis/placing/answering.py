"""Answer what is asked of placement: where everything runs, and what allowing moves would give if that does not fit."""

from dataclasses import replace

from trellis.placing.deciding import decide
from trellis.placing.model import Placement, Problem
from trellis.placing.solvers.contract import Limits, Solver


def place(problem: Problem, *, solver: Solver | str | None = None, limits: Limits | None = None) -> Placement:
    """Which instance goes to which host, and why.

    Pure: the same problem gives the same placement, whatever the order in which things were declared.

    Args:
        problem: all that is known.
        solver: for what the sticky greedy pass cannot place: one, or a bundled one's name; chosen by size if None.
        limits: what the solver may spend.

    Raises:
        ConfigError: a value of the problem is malformed, or there is no such solver.
        DoesNotFitError: rules contradict each other. What merely finds no room is in `Placement.shortfalls`.
    """
    placement = decide(problem, solver=solver, limits=limits)
    if not placement.shortfalls or not any(load.relocatable == "coordinated" for load in problem.workloads):
        return placement
    from trellis.placing.permitting import allowing_moves_gives

    gain = allowing_moves_gives(problem, placement)
    return replace(placement, warnings=tuple(sorted([*placement.warnings, gain]))) if gain else placement
