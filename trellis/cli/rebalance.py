"""`trellis rebalance`: even out the load of the hosts by moving what may be moved."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.applying import apply_shown
from trellis.cli.options import (
    allow_moves_option,
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    telling_options,
    yes_option,
)
from trellis.cli.output import confirm, echo, emit_json
from trellis.cli.placing import asking_of, told_as_json
from trellis.cli.rendering import done_lines, plan_document, plan_lines, silent_sentence, summary_line
from trellis.environments.project import Project, find_project
from trellis.errors import UnreachableError
from trellis.plans import Plan

if TYPE_CHECKING:
    from trellis.desiring.problem import Asking
    from trellis.pipeline import Planned
    from trellis.placing.report import LoadReport


@click.command(epilog="Examples: trellis rebalance -e prod | trellis rebalance --dry-run | trellis rebalance --yes")
@environment_option
@yes_option
@no_input_option
@json_option
@allow_moves_option
@click.option(
    "--min-gain",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="How much lower the fullest host has to become; by default what the environment's file says.",
)
@click.option("--dry-run", is_flag=True, help="Show the load and the moves; change nothing and ask nothing.")
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@click.option(
    "--lock-wait", type=click.FloatRange(0), default=0, show_default=True, help="Seconds to wait for the lock."
)
@telling_options
@project_option
def rebalance(  # noqa: PLR0913 - one argument an option
    environment: str | None,
    parallel: int,
    lock_wait: float,
    directory: Path,
    allow_moves: tuple[str, ...],
    min_gain: float | None,
    *,
    yes: bool,
    no_input: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Show the load of every host before and after, and after a yes move what makes it more even.

    Only relocatable instances move, each where that is worth the interruption. A second rebalance changes nothing.
    Where all moves together gain less than --min-gain, or `placement.minimum_gain` of the environment, none is made.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    shown, enough = asyncio.run(
        _shown(project, name, asking_of(allow_moves, rebalance=True), min_gain, as_json=as_json)
    )
    if not enough:
        return
    if not shown.changes:
        _nothing(shown, as_json=as_json)
        return
    if dry_run:
        return
    confirm(f"Apply this plan to {name}?", yes=yes, no_input=no_input)
    apply_shown(project, name, shown, parallel, lock_wait)
    if not as_json:
        for line in done_lines(shown):
            echo(line)


async def _shown(
    project: Project, name: str, asking: "Asking", min_gain: float | None, *, as_json: bool
) -> tuple[Plan, bool]:
    """The plan that was shown, and whether it gains enough to be done."""
    from trellis.evening import evened
    from trellis.pipeline import bind, observing

    bound = bind(project, name)
    minimum = bound.environment.minimum_gain if min_gain is None else min_gain
    with told_as_json(bound.blueprint.stack, name, as_json=as_json):
        async with observing(bound, asking) as seen:
            planned, report, enough = evened(bound, seen, minimum)
            if as_json:
                emit_json({**_document(planned, report), "enough": enough})
            elif enough:
                _print(planned.plan, report)
            else:
                _say_too_little(report, minimum)
            return planned.plan, enough


def _say_too_little(report: "LoadReport", minimum: float | None) -> None:
    from trellis.placing.report import load_lines

    for line in load_lines(report):
        echo(line)
    echo(f"No changes: the fullest would be {report.gain:.0f} % lower, and {minimum:g} % are asked for.")


def _print(plan: Plan, report: "LoadReport") -> None:
    from trellis.placing.report import load_lines

    for line in load_lines(report):
        echo(line)
    for line in plan_lines(plan):
        echo(line)
    if plan.changes:
        echo(summary_line(plan))


def _document(planned: "Planned", report: "LoadReport") -> Mapping[str, Any]:
    return {
        **plan_document(planned.plan),
        "loads": [
            {"host": load.host, "dimension": load.dimension, "before": load.before, "after": load.after}
            for load in report.loads
        ],
        "moves": [
            {
                "verb": change.verb,
                "service": change.service,
                "index": change.index,
                "from": change.source,
                "to": change.target,
                "reason": change.reason,
            }
            for change in report.changes
        ],
        "fullest": {"before": report.peak_before, "after": report.peak_after},
    }


def _nothing(shown: Plan, *, as_json: bool) -> None:
    if shown.unreachable:
        raise UnreachableError(silent_sentence(shown.unreachable))
    if not as_json:
        echo("No changes: no move makes the load more even.")
