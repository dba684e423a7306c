"""`trellis history`: the runs that the journal has, and the steps of one."""

from pathlib import Path

import click

from trellis.cli.options import environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, progress, table
from trellis.cli.stores import project_store
from trellis.environments.loading import check_exists
from trellis.errors import UsageError
from trellis.state import reporting
from trellis.state.records import Run
from trellis.state.store import Store


@click.command(epilog="Examples: trellis history -e prod --limit 5 | trellis history 42")
@click.argument("run", type=click.IntRange(1), required=False)
@environment_option
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs.")
@json_option
@project_option
def history(run: int | None, environment: str | None, limit: int, directory: Path, *, as_json: bool) -> None:
    """Show the newest runs, newest first; with RUN, a run's number, that run and its steps.

    Without --env, runs of all environments are shown.
    """
    with project_store(directory) as (project, store):
        if run is not None:
            _show_run(_found(store, run), as_json=as_json)
            return
        runs = store.history(environment, limit)
    if environment and not runs:  # an environment that was removed keeps its history
        check_exists(project, environment)
    _show_runs(runs, as_json=as_json)


def _found(store: Store, number: int) -> Run:
    run = store.run(number)
    if run is None:
        raise UsageError(f"there is no run {number}", hint="trellis history")
    return run


def _show_runs(runs: tuple[Run, ...], *, as_json: bool) -> None:
    if as_json:
        emit_json(reporting.history_document(runs))
    elif runs:
        table(reporting.RUN_HEADINGS, [reporting.run_row(run) for run in runs])
    else:
        progress("nothing was run yet")


def _show_run(run: Run, *, as_json: bool) -> None:
    if as_json:
        emit_json(reporting.run_document(run))
        return
    table(reporting.RUN_HEADINGS, [reporting.run_row(run)])
    if run.record.reason:
        echo(f"reason: {run.record.reason}")
    echo()
    table(reporting.STEP_HEADINGS, [reporting.step_row(step) for step in run.steps])
