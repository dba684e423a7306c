"""Options that several commands share, so that each is spelled and explained once."""

from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trellis.cli.completing import services
from trellis.cli.output import QUIET, VERBOSE, tell
from trellis.errors import TrellisError, UsageError

if TYPE_CHECKING:
    from trellis.environments.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def _environments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of environment files, for the shell's completion."""
    folder = Path(context.params.get("directory") or ".") / "environments"
    names = (path.stem for path in folder.glob("*.yaml") if not path.stem.endswith((".secrets", ".keys")))
    return sorted(name for name in names if name.startswith(incomplete))


def environment_option(function: F) -> F:
    """``-e/--env``, as the argument `environment`: a name or None; see `chosen_environment`."""
    return click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        shell_complete=_environments,
        help="The environment; by default what trellis.yaml says.",
    )(function)


def json_option(function: F) -> F:
    """``--json``, as the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function)


def yes_option(function: F) -> F:
    """``-y/--yes``, as the argument `yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Agree beforehand; ask nothing.")(function)


def allow_moves_option(function: F) -> F:
    """``--allow-moves SERVICE``, as the argument `allow_moves`: a tuple of names."""
    return click.option(
        "--allow-moves",
        metavar="SERVICE",
        multiple=True,
        shell_complete=services,
        help='Let a service that is relocatable="coordinated" be moved this time; may be repeated.',
    )(function)


def no_input_option(function: F) -> F:
    """``--no-input``, as the argument `no_input`."""
    return click.option("--no-input", is_flag=True, help="Never ask; fail where a question would be.")(function)


def _enter(context: click.Context, _parameter: click.Parameter, folder: Path) -> Path:
    """Work in the folder until the command ends, so that plugins find the project too; then it is this one."""
    if context.resilient_parsing:  # completing, not running
        return folder
    context.with_resource(chdir(folder))
    return Path()


def project_option(function: F) -> F:
    """``-C/--project DIR``, as the argument `directory`: a Path, always the current folder by then."""
    return click.option(
        "-C",
        "--project",
        "directory",
        metavar="DIR",
        default=".",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        callback=_enter,
        help="Work as if started in this folder. The project is there, or in the nearest folder above.",
    )(function)


def chosen_environment(project: "Project", given: str | None) -> str:
    """The environment that was asked for, or the project's default.

    Raises:
        UsageError: neither says one.
    """
    name = given or project.default_environment
    if not name:
        raise UsageError("no environment was named", hint="add --env NAME, or set default_environment in trellis.yaml")
    return name


def _telling(how_much: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def set_it(_context: click.Context, _parameter: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's
        if asked:
            tell(how_much)

    return set_it


def telling_options(function: F) -> F:
    """``-q/--quiet`` and ``-v/--verbose``; no arguments: `progress` and those who tell of a run obey."""
    for short, word, help_ in (
        ("-v", VERBOSE, "Tell also what steps did meanwhile, and how long each took."),
        ("-q", QUIET, "Tell nothing but results and errors."),
    ):
        function = click.option(
            short, f"--{word}", is_flag=True, expose_value=False, is_eager=True, callback=_telling(word), help=help_
        )(function)
    return function


def _known_names(part: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Completes with the hosts of the environment, or with the roles that they carry; the stack is not run for it."""

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from trellis.environments.loading import load_environment
        from trellis.environments.project import find_project

        try:
            project = find_project(Path(context.params.get("directory") or "."))
            hosts = load_environment(project, chosen_environment(project, context.params.get("environment"))).hosts
        except TrellisError:
            return []
        names = set(hosts) if part == "host" else {role for host in hosts.values() for role in host.roles}
        return sorted(name for name in names if name.startswith(incomplete))

    return complete


def limit_options(function: F) -> F:
    """``--host`` and ``--role``, as the arguments `hosts` and `roles`: tuples of names."""
    for word in ("role", "host"):
        function = click.option(
            f"--{word}",
            f"{word}s",
            metavar="NAME",
            multiple=True,
            shell_complete=_known_names(word),
            help=f"Only what is about this {word}; may be repeated. The rest is left as it is.",
        )(function)
    return function
