"""`trellis plan`: what `up` would do; changes nothing."""

import asyncio
import json
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, progress
from trellis.cli.rendering import plan_document
from trellis.cli.up import show
from trellis.environments.project import Project, find_project
from trellis.environments.writing import write_file
from trellis.errors import UnexpectedChangesError, UnreachableError
from trellis.plans import Plan


@click.command(epilog="Examples: trellis plan -e prod --diff | trellis plan --out next.plan | trellis plan --json")
@environment_option
@json_option
@click.option("--diff", is_flag=True, help="Show the differences behind each step.")
@click.option("-a", "--all", "all_steps", is_flag=True, help="Also show what is kept as it is.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `trellis up FILE`.")
@click.option("--expect-no-changes", is_flag=True, help="Exit with 7 when there is something to do.")
@project_option
def plan(
    environment: str | None,
    out: Path | None,
    directory: Path,
    *,
    as_json: bool,
    diff: bool,
    all_steps: bool,
    expect_no_changes: bool,
) -> None:
    """Show what `trellis up` would do, and why; nothing is changed."""
    project = find_project(directory)
    made = asyncio.run(_plan(project, chosen_environment(project, environment)))
    show(made, as_json=as_json, diff=diff, all_steps=all_steps)
    if out:
        _save(made, out)
    if not made.changes and not as_json:
        echo("No changes: everything is as the stack says.")
    if made.changes and expect_no_changes:
        raise UnexpectedChangesError("there are changes although none were expected")
    if made.unreachable:
        raise UnreachableError(f"these hosts did not answer: {', '.join(sorted(made.unreachable))}")


async def _plan(project: Project, name: str) -> Plan:
    from trellis.pipeline import bind, planning

    async with planning(bind(project, name)) as planned:
        return planned.plan


def _save(made: Plan, out: Path) -> None:
    write_file(out, json.dumps(plan_document(made), indent=2, ensure_ascii=False) + "\n", mode=0o600)
    progress(f"saved; apply it with: trellis up {out}")
