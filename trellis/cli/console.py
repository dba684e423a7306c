"""`trellis console …`: run something on the environment that this one pulls from, through its console."""

from collections.abc import Callable
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import harmless
from trellis.environments.loading import load_environment
from trellis.environments.project import find_project
from trellis.errors import UsageError


@click.group(epilog="Examples: trellis console status -e prod | trellis console up -e prod")
def console() -> None:
    """Run something on the environment that this one pulls from, through its console.

    Needs a certificate that is approved for it there: `operations` in the other environment's file. The exit code is
    that of the operation.
    """


def _operation(name: str, help_: str) -> Callable[..., int]:
    @console.command(name=name, help=help_, epilog=f"Example: trellis console {name} -e prod")
    @environment_option
    @json_option
    @project_option
    def command(environment: str | None, directory: Path, *, as_json: bool) -> int:
        return _run(environment, directory, name, as_json=as_json)

    return command


up = _operation(
    "up",
    "Bring the hosts of the environment that this one pulls from to what it is to run; tell how it goes on.\n\n"
    "Once begun, it goes on there to its end, also when the connection is lost or Ctrl-C is pressed here.",
)
status = _operation("status", "Show what runs in the environment that this one pulls from, and how it is.")
scan = _operation("scan", "Look at the hosts of the environment that this one pulls from.")


def _run(environment: str | None, directory: Path, operation: str, *, as_json: bool) -> int:
    from trellis.console.operating import operated

    project = find_project(directory)
    found = load_environment(project, chosen_environment(project, environment))
    if found.console is None:
        raise UsageError(
            f"{found.name} pulls from no console",
            where=f"environments/{found.name}.yaml",
            hint="say there: upstream: https://…, and console: {authority: FILE, certificate: FILE}",
        )
    status = 0
    for said in operated(found.upstream, found.console, found.pulls_from, operation, as_json=as_json):
        click.echo(harmless(said.out), nl=False)
        click.echo(harmless(said.err), nl=False, err=True)
        status = said.exit or status
    return status
