"""`trellis rollback`: bring an environment back to what an earlier run applied."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.applying import refuse_stale
from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, echo, progress
from trellis.cli.rendering import done_lines, plan_document
from trellis.cli.returning import return_branch
from trellis.cli.stores import project_store
from trellis.cli.up import show
from trellis.environments.loading import load_environment
from trellis.environments.project import Project
from trellis.errors import PolicyError, UnreachableError
from trellis.plans import Plan

if TYPE_CHECKING:
    from trellis.cli.running import Recording
    from trellis.pipeline import Bound
    from trellis.state.store import Store


@click.command(epilog="Examples: trellis rollback -e prod | trellis rollback -e prod --to 42 --yes")
@click.option("--to", type=click.IntRange(1), metavar="RUN", help="A run's number, as `trellis history` shows it.")
@environment_option
@yes_option
@no_input_option
@json_option
@click.option(
    "--accept", metavar="WHAT", multiple=True, help='Accept what needs care: "storage Database.data", or all.'
)
@click.option("--diff", is_flag=True, help="Show the differences behind each step.")
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@click.option(
    "--lock-wait", type=click.FloatRange(0), default=0, show_default=True, help="Seconds to wait for the lock."
)
@project_option
def rollback(  # noqa: PLR0913 - one argument an option
    to: int | None,
    environment: str | None,
    parallel: int,
    lock_wait: float,
    accept: tuple[str, ...],
    directory: Path,
    *,
    yes: bool,
    no_input: bool,
    as_json: bool,
    diff: bool,
) -> None:
    """Show what brings an environment back to an earlier run, and after a yes make it so.

    That run's program and config are applied like by `up`, to the hosts and with the secrets of today; data is kept.
    Without --to it is the last run that was done whole, when the newest one was not, else the last one with another
    program. What takes something away from the running system needs --accept, as for `up`. The files here are not
    changed: the next `up` applies them again.
    """
    with project_store(directory) as (project, store):
        name = chosen_environment(project, environment)
        if _runs_branch(project, name, to):
            return_branch(project, name, accept, yes=yes, no_input=no_input, parallel=parallel, lock_wait=lock_wait)
            return
        run, bind_again = _target(project, store, name, to)
        _refuse_careless(project, store, run, bind_again(), accept)
    shown = asyncio.run(_shown(bind_again, as_json=as_json, diff=diff))
    if shown.unreachable and not shown.changes:
        raise UnreachableError(f"these hosts did not answer: {', '.join(sorted(shown.unreachable))}")
    if not shown.changes:
        progress(f"nothing to do: {name} is as run {run} left it")
        return
    confirm(f"Bring {name} back to run {run}?", yes=yes, no_input=no_input)
    _apply(project, shown, bind_again, run, parallel, lock_wait)
    if not as_json:
        for line in done_lines(shown):
            echo(line)
    progress("the files here are as they were: the next `trellis up` applies them again")


def _refuse_careless(project: Project, store: "Store", run: int, again: "Bound", accepted: tuple[str, ...]) -> None:
    """Refuse to go back where that takes something away, unless that was accepted."""
    from trellis.changes.care import needs_care
    from trellis.promotion.applying import refuse_careless
    from trellis.rollback.choosing import blueprint_before

    before = blueprint_before(project, store, again.environment.name, run)
    if before is not None:
        roles = {role for host in again.environment.hosts.values() for role in host.roles}
        refuse_careless(needs_care(before, again.blueprint, roles, accepted))


def _runs_branch(project: Project, name: str, to: int | None) -> bool:
    """An environment that runs a branch goes back there, so that git goes on to say what runs where."""
    from trellis.revisions.programs import program_of

    program = program_of(project, load_environment(project, name), destroying=True)
    if program.branch and to is not None:
        raise PolicyError(
            f"{name} runs the branch {program.branch}, and goes back by taking back a change-set there",
            hint=f"trellis change list, then: trellis change revert NAME -e {name}",
        )
    return bool(program.branch)


def _target(project: Project, store: "Store", name: str, to: int | None) -> "tuple[int, Callable[[], Bound]]":
    from trellis.pipeline import bind
    from trellis.rollback.choosing import chosen_run, program_again
    from trellis.values import freeze_mapping

    run = chosen_run(store, name, to)
    kept, known = store.programs.find(run), store.run(run)
    assert kept is not None  # noqa: S101 - for the type checker: the run was chosen among those that are kept
    assert known is not None  # noqa: S101 - likewise
    program, config = program_again(project, kept), freeze_mapping(kept.config)
    when = f"{known.started:%Y-%m-%d %H:%M} UTC"
    progress(f"back to run {run} of {when}: {known.record.command} by {known.record.operator}")
    return run, lambda: bind(project, name, program=program, instead=config)


async def _shown(bind_again: "Callable[[], Bound]", *, as_json: bool, diff: bool) -> Plan:
    from trellis.pipeline import planning

    async with planning(bind_again()) as planned:
        show(planned.plan, as_json=as_json, diff=diff)
        return planned.plan


def _apply(
    project: Project, shown: Plan, bind_again: "Callable[[], Bound]", run: int, parallel: int, lock_wait: float
) -> None:
    from trellis.cli.running import command_line, locked

    with locked(project.state_url, shown.environment, command_line(), lock_wait) as recording:
        asyncio.run(_apply_shown(shown, bind_again, recording, run, parallel))


async def _apply_shown(
    shown: Plan, bind_again: "Callable[[], Bound]", recording: "Recording", run: int, parallel: int
) -> None:
    from trellis.cli.running import apply_plan
    from trellis.pipeline import planning

    async with planning(bind_again()) as planned:
        refuse_stale(planned.plan, plan_document(shown))
        await apply_plan(planned, recording, parallel, reason=f"rollback to run {run}")
