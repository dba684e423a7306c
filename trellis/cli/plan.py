"""`trellis plan`: what `up` would do; changes nothing."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.asking import bind_asking
from trellis.cli.options import (
    allow_moves_option,
    chosen_environment,
    environment_option,
    json_option,
    limit_options,
    no_input_option,
    project_option,
    telling_options,
)
from trellis.cli.output import echo, progress
from trellis.cli.placing import asking_of, explain_service, told_as_json
from trellis.cli.rendering import plan_document, silent_sentence
from trellis.cli.up import show
from trellis.environments.project import Project, find_project
from trellis.environments.writing import write_file
from trellis.errors import UnexpectedChangesError, UnreachableError
from trellis.plans import Plan

if TYPE_CHECKING:
    from trellis.desiring.problem import Asking


@click.command(
    epilog="Examples: trellis plan -e prod --diff | trellis plan --out next.plan | trellis plan --explain DB"
)
@environment_option
@json_option
@no_input_option
@click.option("--diff", is_flag=True, help="Show the differences behind each step.")
@click.option("-a", "--all", "all_steps", is_flag=True, help="Also show what is kept as it is.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `trellis up FILE`.")
@allow_moves_option
@limit_options
@click.option("--explain", metavar="SERVICE", help="Say why its instances are where they are, and not elsewhere.")
@click.option("--expect-no-changes", is_flag=True, help="Exit with 7 when there is something to do.")
@telling_options
@project_option
def plan(  # noqa: PLR0913 - one argument an option
    environment: str | None,
    out: Path | None,
    directory: Path,
    allow_moves: tuple[str, ...],
    hosts: tuple[str, ...],
    roles: tuple[str, ...],
    explain: str | None,
    *,
    as_json: bool,
    no_input: bool,
    diff: bool,
    all_steps: bool,
    expect_no_changes: bool,
) -> None:
    """Show what `trellis up` would do, and why; nothing is changed."""
    project = find_project(directory)
    name, asking = chosen_environment(project, environment), asking_of(allow_moves, hosts=hosts, roles=roles)
    if explain:
        asyncio.run(explain_service(project, name, explain, asking, as_json=as_json))
        return
    made = asyncio.run(_plan(project, name, asking, as_json=as_json, no_input=no_input))
    show(made, as_json=as_json, diff=diff, all_steps=all_steps)
    if out:
        _save(made, out)
    if not made.changes and not as_json:
        echo("No changes: everything is as the stack says.")
    if made.advice and not as_json:
        for sentence in made.advice:
            progress(f"advice: {sentence}")
    if made.changes and expect_no_changes:
        raise UnexpectedChangesError("there are changes although none were expected")
    if made.unreachable:
        raise UnreachableError(silent_sentence(made.unreachable))


async def _plan(project: Project, name: str, asking: "Asking", *, as_json: bool, no_input: bool) -> Plan:
    from trellis.pipeline import planning

    bound = bind_asking(project, name, no_input=no_input)
    with told_as_json(bound.blueprint.stack, name, as_json=as_json):
        async with planning(bound, asking=asking) as planned:
            return planned.plan


def _save(made: Plan, out: Path) -> None:
    write_file(out, json.dumps(plan_document(made), indent=2, ensure_ascii=False) + "\n", mode=0o600)
    progress(f"saved; apply it with: trellis up {out}")
