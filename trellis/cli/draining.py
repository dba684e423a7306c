"""`trellis host drain`, `undrain` and `retire`: take a host out of an environment without losing what it carries."""

import asyncio
from pathlib import Path

import click

from trellis.cli.options import (
    chosen_environment,
    environment_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, progress
from trellis.cli.reaching import found_host
from trellis.environments.editing import remove_host, set_draining
from trellis.environments.loading import load_environment
from trellis.environments.project import Project, find_project
from trellis.errors import PolicyError, UnreachableError


@click.command(epilog="Example: trellis host drain ny1 -e prod")
@click.argument("name")
@environment_option
@project_option
def drain(name: str, environment: str | None, directory: Path) -> None:
    """Plan the instances of the host NAME away: the next `trellis up` moves what may be moved."""
    project = find_project(directory)
    chosen = chosen_environment(project, environment)
    changed = set_draining(project, chosen, name, draining=True)
    progress(f"{name} is draining; next: trellis up -e {chosen}" if changed else f"{name} is draining already")


@click.command(epilog="Example: trellis host undrain ny1 -e prod")
@click.argument("name")
@environment_option
@project_option
def undrain(name: str, environment: str | None, directory: Path) -> None:
    """Use the host NAME again; what was moved off it stays where it is now."""
    project = find_project(directory)
    chosen = chosen_environment(project, environment)
    changed = set_draining(project, chosen, name, draining=False)
    next_ = f"trellis up -e {chosen}, or trellis rebalance -e {chosen}"
    progress(f"{name} is used again; next: {next_}" if changed else f"{name} is not draining")


@click.command(epilog="Example: trellis host retire ny1 -e prod --yes")
@click.argument("name")
@environment_option
@yes_option
@no_input_option
@project_option
def retire(name: str, environment: str | None, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Remove the host NAME from an environment's file, when no instance is on it.

    The host is asked first: what it carries keeps it in the environment, and so does no answer.
    """
    project = find_project(directory)
    chosen = chosen_environment(project, environment)
    found_host(load_environment(project, chosen), name)
    for left in asyncio.run(_left_on(project, chosen, name)):
        progress(f"stays on {name}: {left}")
    confirm(f"Remove {name} from {chosen}?", yes=yes, no_input=no_input)
    remove_host(project, chosen, name)
    progress(f"removed {name} from {chosen}")


async def _left_on(project: Project, environment: str, name: str) -> list[str]:
    """What Trellis made and leaves there.

    Raises:
        PolicyError: an instance is on the host.
        UnreachableError: it does not answer.
    """
    from trellis.desiring.carried import is_instance
    from trellis.pipeline import bind, observing

    async with observing(bind(project, environment)) as seen:
        host = seen.observed[name]
        if host.problem:
            hint = f"trellis host drain {name} -e {environment}, or trellis host remove {name} to forget it as it is"
            raise UnreachableError(f"{name} does not answer, so nobody knows what it carries", where=name, hint=hint)
        own = [actual for actual in host.actuals if not actual.foreign and actual.key.kind != "image"]
    carried = sorted(actual.key.name for actual in own if is_instance(actual))
    if carried:
        hint = f"trellis host drain {name} -e {environment}, then trellis up -e {environment}"
        raise PolicyError(f"{name} still carries {', '.join(carried)}", where=f"host {name}", hint=hint)
    return sorted(f"{actual.key.kind} {actual.key.name}" for actual in own)
