"""Say what it would give to allow moves of coordinated services; nothing is moved."""

from dataclasses import replace

from trellis.placing.deciding import decide
from trellis.placing.model import Placement, Problem
from trellis.placing.solvers.contract import Limits

_LIMITS = Limits(seconds=2.0, effort=1_000)


def allowing_moves_gives(problem: Problem, placement: Placement, limits: Limits = _LIMITS) -> str | None:
    """What it would give to allow moves of coordinated services; None when that changes nothing."""
    kept = {load.service for load in problem.workloads if load.relocatable == "coordinated"} - problem.allow_moves
    running = {run.service for run in problem.running}
    services = sorted(kept & running)
    if not placement.shortfalls or not services:
        return None
    freer = decide(replace(problem, allow_moves=problem.allow_moves | kept), limits=limits)
    gained = missing_in(placement) - missing_in(freer)
    homes = {(run.service, run.index): run.host for run in problem.running}
    moved = sorted(
        {p.service for p in freer.instances if p.service in kept and homes.get((p.service, p.index), p.host) != p.host}
    )
    if gained <= 0 or not moved:
        return None
    flags = " ".join(f"--allow-moves {service}" for service in moved)
    return f"with {flags}, {gained} more would find a host"


def missing_in(placement: Placement) -> int:
    """How many instances found no host."""
    return sum(short.missing for short in placement.shortfalls)
