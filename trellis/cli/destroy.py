"""`trellis destroy`: remove everything that Trellis made in an environment."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.options import (
    chosen_environment,
    environment_option,
    no_input_option,
    project_option,
    telling_options,
    yes_option,
)
from trellis.cli.output import confirm, echo
from trellis.cli.up import check_environment, show
from trellis.environments.project import Project, find_project

if TYPE_CHECKING:
    from trellis.cli.running import Recording


@click.command(epilog="Example: trellis destroy -e dev")
@environment_option
@yes_option
@no_input_option
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@telling_options
@project_option
def destroy(environment: str | None, parallel: int, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Remove containers, networks, files and volumes of the environment, data included. Images stay."""
    from trellis.cli.running import command_line, locked

    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_environment(project, name)
    with locked(project.state_url, name, command_line(), 0) as recording:
        asyncio.run(_destroy(project, name, recording, parallel, yes=yes, no_input=no_input))


async def _destroy(
    project: Project, name: str, recording: "Recording", parallel: int, *, yes: bool, no_input: bool
) -> None:
    from trellis.cli.running import apply_plan
    from trellis.pipeline import bind_to_look, planning

    async with planning(bind_to_look(project, name, keyless=True), destroy=True) as planned:
        show(planned.plan, as_json=False)
        if not planned.plan.changes:
            echo("Nothing is left of it.")
            return
        confirm(f"Remove all of this from {name}, data included?", yes=yes, no_input=no_input)
        await apply_plan(planned, recording, parallel, destroying=True)
    echo("Done: nothing is left of it.")
