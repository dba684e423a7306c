"""`trellis up`: make the environment's hosts what the stack says."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, echo, emit_json
from trellis.cli.rendering import done_line, plan_document, plan_lines, summary_line
from trellis.environments.project import Project, find_project
from trellis.errors import ConfigError, PolicyError, UnreachableError
from trellis.plans import Plan

if TYPE_CHECKING:
    from trellis.cli.running import Recording


@click.command(epilog="Examples: trellis up -e prod | trellis up -e prod --yes | trellis up saved.plan")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@environment_option
@yes_option
@no_input_option
@json_option
@click.option("--diff", is_flag=True, help="Show the differences behind each step.")
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@click.option(
    "--lock-wait", type=click.FloatRange(0), default=0, show_default=True, help="Seconds to wait for the lock."
)
@project_option
def up(  # noqa: PLR0913 - one argument an option
    file: Path | None,
    environment: str | None,
    parallel: int,
    lock_wait: float,
    directory: Path,
    *,
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
    shown = asyncio.run(_shown(project, name, saved, as_json=as_json, diff=diff))
    if not shown.changes:
        _nothing(shown, as_json=as_json)
        return
    confirm(f"Apply this plan to {name}?", yes=yes, no_input=no_input)
    _apply(project, name, shown, parallel, lock_wait)
    if not as_json:
        echo(done_line(shown))


async def _shown(project: Project, name: str, saved: "dict[str, object] | None", *, as_json: bool, diff: bool) -> Plan:
    """The plan, printed; made without the lock, because nothing is changed and nobody is kept waiting."""
    from trellis.pipeline import bind, planning

    async with planning(bind(project, name)) as planned:
        if saved is not None:
            refuse_stale(planned.plan, saved)
        show(planned.plan, as_json=as_json, diff=diff)
        return planned.plan


def _apply(project: Project, name: str, shown: Plan, parallel: int, lock_wait: float) -> None:
    from trellis.cli.running import command_line, locked

    with locked(project.state_url, name, command_line(), lock_wait) as recording:
        asyncio.run(_apply_shown(project, name, shown, recording, parallel))


async def _apply_shown(project: Project, name: str, shown: Plan, recording: "Recording", parallel: int) -> None:
    """Plan again under the lock, so that what is applied is what was shown, whoever was at work in between."""
    from trellis.cli.running import apply_plan
    from trellis.pipeline import bind, planning

    async with planning(bind(project, name)) as planned:
        refuse_stale(planned.plan, plan_document(shown))
        await apply_plan(planned, recording, parallel)


def check_environment(project: Project, name: str) -> None:
    """Fail before anything is locked when there is no such environment."""
    from trellis.environments.loading import check_exists

    check_exists(project, name)


def _nothing(plan: Plan, *, as_json: bool) -> None:
    if plan.unreachable:
        raise UnreachableError(f"these hosts did not answer: {', '.join(sorted(plan.unreachable))}")
    if not as_json:
        echo("No changes: everything is as the stack says.")


def show(plan: Plan, *, as_json: bool, diff: bool = False, all_steps: bool = False) -> None:
    """Print the plan."""
    if as_json:
        emit_json(plan_document(plan))
        return
    for line in plan_lines(plan, diff=diff, all_steps=all_steps):
        echo(line)
    if plan.changes:
        echo(summary_line(plan))


def read_plan(file: Path) -> dict[str, object]:
    """A saved plan.

    Raises:
        ConfigError: the file is not one.
    """
    try:
        document = json.loads(file.read_text())
    except ValueError as error:
        raise ConfigError(
            "this is not a saved plan", where=str(file), hint="make one: trellis plan --out FILE"
        ) from error
    if not isinstance(document, dict) or not {"environment", "bound_to", "steps"} <= document.keys():
        raise ConfigError("this is not a saved plan", where=str(file), hint="make one: trellis plan --out FILE")
    return document


def refuse_stale(plan: Plan, saved: dict[str, object]) -> None:
    """Make sure that what is applied is what was shown.

    Raises:
        PolicyError: something has moved since.
    """
    then = saved["bound_to"]
    moved = [name for name, now in plan.bound_to.items() if not isinstance(then, dict) or then.get(name) != now]
    if moved or plan_document(plan)["steps"] != saved["steps"]:
        what = ", ".join(moved) or "steps"
        raise PolicyError(
            f"the plan is stale: {what} changed since it was made", hint="look at the new plan, and run it again"
        )
