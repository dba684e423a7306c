"""`trellis pull`: bring a release that the environment before has published into this environment's branch."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from trellis.cli import completing
from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import emit_json, progress
from trellis.cli.overruling import Words, overruling_options
from trellis.cli.pulling import Wanted, pull_release
from trellis.environments.loading import check_exists
from trellis.environments.project import find_project


def pulling_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `pull` and `promote` take, as the one argument `wanted`, without the project."""

    @wraps(function)
    def with_wanted(  # noqa: PLR0913 - one argument an option
        *,
        version: str,
        environment: str | None,
        given: tuple[str, ...],
        source: Path | None,
        accept: tuple[str, ...],
        chain: Words,
        directory: Path,
        yes: bool,
        no_input: bool,
        as_json: bool,
        **rest: Any,
    ) -> Any:
        project = find_project(directory)
        name = chosen_environment(project, environment)
        check_exists(project, name)
        who = chain.overruling(name, no_input=no_input)
        wanted = Wanted(version, name, who, accept, given, source, yes, no_input, as_json)
        return function(project=project, wanted=wanted, **rest)

    what = click.argument("version", shell_complete=completing.releases)
    values = click.option(
        "--values",
        "source",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A YAML file of config values and secrets that the release needs.",
    )
    value = click.option("--set", "given", metavar="KEY=VALUE", multiple=True, help="A config value that it needs.")
    accept = click.option(
        "--accept", metavar="WHAT", multiple=True, help='Accept what needs care: "storage Database.data", or all.'
    )
    common = yes_option(no_input_option(overruling_options(json_option(project_option(with_wanted)))))
    return what(environment_option(value(values(accept(common)))))


@click.command(epilog="Examples: trellis pull 7.2 -e test | trellis pull 7.2 -e prod --set Website.region=eu --yes")
@pulling_options
def pull(project: Any, wanted: Wanted) -> None:
    """Merge the release VERSION into an environment's branch; `trellis up` then runs it.

    The publication's signature, digest and place in the chain are checked, the plan with this environment's own hosts
    is shown, and config values and secrets that the release needs and the environment lacks are asked for, before
    anything is merged.
    """
    version, name = wanted.version, wanted.environment
    pulled = pull_release(project, wanted, f"Pull release {version} into {name}?")
    if wanted.as_json:
        emit_json(pulled.document())
    if pulled.plan is not None:
        progress(f"{name} has release {version}; next: trellis up -e {name}")
