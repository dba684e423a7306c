"""`trellis up`: make the environment's hosts what the stack says."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.applying import apply_shown, asked_in, chosen_program, read_plan, refuse_stale, remember_unchanged
from trellis.cli.asking import bind_asking
from trellis.cli.at_once import AtOnce
from trellis.cli.options import (
    allow_moves_option,
    chosen_environment,
    environment_option,
    json_option,
    limit_options,
    no_input_option,
    project_option,
    telling_options,
    yes_option,
)
from trellis.cli.output import confirm as agree
from trellis.cli.output import echo, emit_json, progress
from trellis.cli.overruling import Words, overruling_options
from trellis.cli.placing import asking_of, told_as_json
from trellis.cli.rendering import (
    color_of,
    done_lines,
    drift_line,
    plan_document,
    plan_lines,
    silent_sentence,
    summary_line,
)
from trellis.environments.loading import environment_names
from trellis.environments.project import Project, find_project
from trellis.errors import UnreachableError
from trellis.plans import Plan
from trellis.promotion.gate import Choice
from trellis.revisions.programs import Program

if TYPE_CHECKING:
    from trellis.desiring.problem import Asking


@click.command(epilog="Examples: trellis up -e prod | trellis up -e prod --yes | trellis up saved.plan")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@environment_option
@yes_option
@no_input_option
@json_option
@allow_moves_option
@click.option(
    "--accept", metavar="WHAT", multiple=True, help='Accept what needs care: "storage Database.data", or all.'
)
@click.option("--working-tree", is_flag=True, help="Run the working tree, not the environment's branch.")
@overruling_options
@limit_options
@click.option("--diff", is_flag=True, help="Show the differences behind each step.")
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@click.option(
    "--lock-wait", type=click.FloatRange(0), default=0, show_default=True, help="Seconds to wait for the lock."
)
@telling_options
@project_option
def up(  # noqa: PLR0913, PLR0917 - one argument an option
    file: Path | None,
    environment: str | None,
    parallel: int,
    lock_wait: float,
    directory: Path,
    allow_moves: tuple[str, ...],
    chain: Words,
    accept: tuple[str, ...],
    hosts: tuple[str, ...],
    roles: tuple[str, ...],
    *,
    working_tree: bool,
    yes: bool,
    no_input: bool,
    as_json: bool,
    diff: bool,
) -> None:
    """Show the plan, and after a yes make it so.

    With FILE, a plan that `trellis plan --out` saved: it is applied only if it is still what would be planned.
    """
    project = find_project(directory)
    saved = read_plan(file) if file else None
    name = str(saved["environment"]) if saved else chosen_environment(project, environment)
    check_environment(project, name)
    choice = Choice(working_tree=working_tree, accepted=accept, overruling=chain.overruling(name, no_input=no_input))
    asking = asked_in(saved) if saved else asking_of(allow_moves, hosts=hosts, roles=roles)
    at_once = AtOnce.now(parallel, lock_wait, choice) if yes else None
    shown, applied = asyncio.run(
        planned_plan(project, name, asking, saved, choice, as_json=as_json, diff=diff, no_input=no_input, then=at_once)
    )
    if not shown.changes:
        _nothing(project, shown, choice, as_json=as_json)
        return
    if not applied:
        agree(f"Apply this plan to {name}?", yes=yes, no_input=no_input)
        apply_shown(project, name, shown, parallel, lock_wait, choice)
    if not as_json:
        for line in done_lines(shown):
            echo(line)


async def planned_plan(  # noqa: PLR0913 - one argument an option
    project: Project,
    name: str,
    asking: "Asking",
    saved: dict[str, Any] | None,
    choice: "Choice | None",
    *,
    as_json: bool,
    diff: bool,
    no_input: bool,
    then: AtOnce | None,
) -> tuple[Plan, bool]:
    """The plan, printed; and whether it was applied, which is `then`'s to do while the hosts' sessions are open.

    It is made without the lock: nothing is changed, and nobody is kept waiting.

    Raises:
        PolicyError: it is not the plan that was saved.
    """
    from trellis.pipeline import planning

    bound = bind_asking(project, name, no_input=no_input, program=chosen_program(project, name, choice))
    say_program(project, bound.program)
    with told_as_json(bound.blueprint.stack, name, as_json=as_json):
        async with planning(bound, asking=asking) as planned:
            if saved is not None:
                refuse_stale(planned.plan, saved)
            show(planned.plan, as_json=as_json, diff=diff)
            applied = await then.apply(planned) if then is not None and planned.plan.changes else False
            return planned.plan, applied


def say_program(project: Project, program: Program) -> None:
    """Tell which program it is, where the project has more than one environment."""
    if program.sentence and len(environment_names(project)) > 1:
        progress(f"program: {program.sentence}")


def check_environment(project: Project, name: str) -> None:
    """Fail before anything is locked when there is no such environment."""
    from trellis.environments.loading import check_exists

    check_exists(project, name)


def _nothing(project: Project, plan: Plan, choice: Choice, *, as_json: bool) -> None:
    if plan.unreachable:
        raise UnreachableError(silent_sentence(plan.unreachable), hint="see each with: trellis scan --host NAME")
    remember_unchanged(project, plan.environment, choice, plan.bound_to["blueprint"])
    if not as_json:
        echo("No changes: everything is as the stack says.")


def show(plan: Plan, *, as_json: bool, diff: bool = False, all_steps: bool = False) -> None:
    """Print the plan."""
    if as_json:
        emit_json(plan_document(plan))
        return
    for line in plan_lines(plan, diff=diff, all_steps=all_steps):
        echo(line, color_of(line))
    if line := drift_line(plan):
        echo(line)
    if plan.changes:
        echo(summary_line(plan))
