"""`trellis drift`: what somebody else changed since Trellis made it, apart from what the stack asks for."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.cli.rendering import drift_entry, silent_sentence
from trellis.environments.project import Project, find_project
from trellis.errors import UnexpectedChangesError, UnreachableError
from trellis.plans import Drift


@click.command(epilog="Examples: trellis drift -e prod | trellis drift -e prod --expect-none --json")
@environment_option
@json_option
@click.option("--expect-none", is_flag=True, help="Exit with 7 when there is drift.")
@project_option
def drift(environment: str | None, directory: Path, *, as_json: bool, expect_none: bool) -> None:
    """Show what was changed, removed or got in the way outside Trellis; nothing is changed.

    Compared is with what Trellis last did, so changes of the stack that are not applied yet are no drift: see
    `trellis plan` for those.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    found, silent = asyncio.run(_found(project, name))
    if as_json:
        emit_json(_document(name, found, silent))
    else:
        _show(name, found, silent)
    if found and expect_none:
        raise UnexpectedChangesError(
            "there is drift although none was expected", hint=f"put it right: trellis up -e {name}"
        )
    if silent:
        raise UnreachableError(silent_sentence(silent))


async def _found(project: Project, name: str) -> tuple[Sequence[Drift], Mapping[str, str]]:
    from trellis.pipeline import bind_to_look, observing

    async with observing(bind_to_look(project, name)) as seen:
        return seen.drift, seen.unreachable


def _document(name: str, found: Sequence[Drift], silent: Mapping[str, str]) -> dict[str, object]:
    return {
        "schema_version": 1,
        "environment": name,
        "drift": [drift_entry(one) for one in found],
        "unreachable": dict(silent),
    }


def _show(name: str, found: Sequence[Drift], silent: Mapping[str, str]) -> None:
    table(("host", "resource", "drift"), [(one.key.host, f"{one.key.kind} {one.key.name}", one.what) for one in found])
    for host, problem in sorted(silent.items()):
        echo(f"! {host}: {problem}")
    if found:
        echo(f"Put it right with: trellis up -e {name}")
    elif not silent:
        echo("No drift: everything is as Trellis left it.")
