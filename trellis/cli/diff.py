"""`trellis diff`: what differs between two environments."""

from pathlib import Path

import click

from trellis.cli.options import json_option, project_option
from trellis.cli.output import echo, emit_json
from trellis.environments.loading import check_exists
from trellis.environments.project import find_project


@click.command(epilog="Examples: trellis diff dev prod | trellis diff dev prod --json")
@click.argument("one", metavar="ENV")
@click.argument("other", metavar="ENV")
@json_option
@project_option
def diff(one: str, other: str, directory: Path, *, as_json: bool) -> None:
    """Show what differs between two environments: change-sets that only one has, then what the stacks say."""
    from trellis.promotion.telling import differing
    from trellis.revisions.repository import opened

    project = find_project(directory)
    for name in (one, other):
        check_exists(project, name)
    with opened(project.root) as repository:
        document = differing(project, repository, one, other)
    lines = document.pop("lines")
    if as_json:
        emit_json(document)
        return
    for name, changes in document["only"].items():
        if changes:
            echo(f"only {name} has: {', '.join(changes)}")
    if document["partly"]:
        echo(f"not the same state of: {', '.join(document['partly'])}")
    echo(f"from {other} to {one}:" if lines else f"{one} and {other} mean the same stack")
    for line in lines:
        echo(f"  {line}")
