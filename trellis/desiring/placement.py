"""Place a stack on its hosts, or say what does not fit."""

from trellis.errors import DoesNotFitError
from trellis.placing import place
from trellis.placing.advising import GiveRole, role_sentence
from trellis.placing.model import Placement, Problem
from trellis.placing.report import shortfall_lines
from trellis.placing.solvers import Limits, Solver


class ShortfallError(DoesNotFitError):
    """Not every instance found a host; nothing was changed.

    Attributes:
        problem: what was asked.
        placement: the best that was found, with its shortfalls.
        advice: roles for spare hosts with which more would fit.
    """

    def __init__(self, problem: Problem, placement: Placement, advice: tuple[GiveRole, ...], environment: str) -> None:
        missing = sum(short.missing for short in placement.shortfalls)
        lines = [
            f"{missing} {'instance does' if missing == 1 else 'instances do'} not fit",
            *shortfall_lines(placement),
        ]
        lines += [placement.proof] if placement.proof else []
        lines += [role_sentence(give, environment) for give in advice]
        super().__init__(
            "\n  ".join(lines),
            where=f"environments/{environment}.yaml",
            hint=_storage_hint(problem, placement, environment) or f"trellis advise -e {environment}, or ask for less",
        )
        self.problem = problem
        self.placement = placement
        self.advice = advice


def _storage_hint(problem: Problem, placement: Placement, environment: str) -> str:
    """What to do where data is on a host that no longer carries the role; empty where that is not the matter."""
    roles = {host.name: host.roles for host in problem.hosts}
    for short in placement.shortfalls:
        for load in problem.workloads:
            if (load.service, load.role) != (short.service, short.role):
                continue
            for holder in sorted(host for hosts in load.storage_on.values() for host in hosts):
                if load.role not in roles.get(holder, frozenset()):
                    return f"data does not move by itself: trellis role add {load.role} {holder} -e {environment}"
    return ""


def placed(problem: Problem, environment: str, solver: Solver | None = None, limits: Limits | None = None) -> Placement:
    """A placement of everything.

    Raises:
        ShortfallError: something found no host; it says what, and what would help.
        ConfigError, DoesNotFitError: as `place`.
    """
    placement = place(problem, solver=solver, limits=limits)
    if placement.shortfalls:
        from trellis.placing.advising import roles_to_give

        raise ShortfallError(problem, placement, roles_to_give(problem, placement), environment)
    return placement
