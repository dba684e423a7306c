"""`trellis lock`: who holds an environment's lock, and taking it from them."""

from pathlib import Path

import click

from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, emit_json, progress, table
from trellis.cli.stores import project_store
from trellis.environments.loading import check_exists
from trellis.state import reporting


@click.group(epilog="Example: trellis lock status")
def lock() -> None:
    """Show and break locks; a command that changes an environment holds its lock while it runs."""


@lock.command(epilog="Example: trellis lock status -e prod --json")
@environment_option
@json_option
@project_option
def status(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Show who holds which lock, of every environment or of one."""
    with project_store(directory) as (_, store):
        locks = [one for one in store.locks() if environment in (None, one.environment)]
    if as_json:
        emit_json(reporting.lock_document(locks))
    elif locks:
        table(reporting.LOCK_HEADINGS, [reporting.lock_row(one) for one in locks])
    else:
        progress("nobody holds a lock")


@lock.command(name="break", epilog="Example: trellis lock break -e prod")
@environment_option
@yes_option
@no_input_option
@project_option
def break_(environment: str | None, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Take an environment's lock from its holder, who then stops before its next step."""
    with project_store(directory) as (project, store):
        name = chosen_environment(project, environment)
        held = store.lock_status(name)
        if held is None:
            check_exists(project, name)
            progress(f"nobody holds the lock of {name}")
            return
        confirm(f"Take the lock of {name} from {held.holder}?", yes=yes, no_input=no_input)
        store.break_lock(name)
    progress(f"the lock of {name} was taken from {held.holder}")
