"""A rebalancing is done where it gains what the environment asks for; else what is left is planned without it."""

from dataclasses import replace

from trellis.binding import Bound
from trellis.pipeline import Planned, planned_from
from trellis.placing.report import LoadReport, load_report
from trellis.seeing import Seen

_ROUNDING = 1e-6


def gains_enough(report: LoadReport, minimum: float | None) -> bool:
    """Whether a rebalancing is worth it, in hundredths of the fullest host; nothing asked for is always enough."""
    return minimum is None or report.gain >= minimum - _ROUNDING


def evened(bound: Bound, seen: Seen, minimum: float | None) -> tuple[Planned, LoadReport, bool]:
    """The plan of a rebalancing that was asked for, what it does to the load, and whether it gains enough.

    Where it does not, the plan is that of everything else that is to be done.
    """
    planned = planned_from(bound, seen)
    report = load_report(planned.problem, planned.placement)
    enough = gains_enough(report, minimum)
    if not enough:
        planned = planned_from(bound, replace(seen, problem=replace(seen.problem, rebalance=False)))
    return planned, report, enough
