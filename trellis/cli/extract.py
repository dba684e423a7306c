"""`trellis extract`: a service goes to another role, as a change that can be promoted."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli import completing
from trellis.cli.options import json_option, project_option
from trellis.cli.output import echo, emit_json, progress
from trellis.environments.project import Project, find_project

if TYPE_CHECKING:
    from trellis.changes.extracting import Asked
    from trellis.changes.preparing import Extracted


@click.command(
    epilog="Examples: trellis extract Website --to Frontend --change split | "
    "trellis extract Website --from Web --to Frontend --change split --accept 'move Website'"
)
@click.argument("service", shell_complete=completing.services)
@click.option(
    "--to",
    required=True,
    metavar="ROLE",
    shell_complete=completing.roles,
    help="The role that is to run it; a new one if a host carries it.",
)
@click.option(
    "--from",
    "source",
    metavar="ROLE",
    default="",
    shell_complete=completing.roles,
    help="The role that runs it now, where several do.",
)
@click.option(
    "--change",
    metavar="NAME",
    shell_complete=completing.changes,
    help="The change-set that it becomes a part of, started if need be.",
)
@click.option("--accept", metavar="WHAT", multiple=True, help='What needs care and is meant so: "move Website".')
@json_option
@project_option
def extract(
    service: str, to: str, source: str, change: str | None, accept: tuple[str, ...], directory: Path, *, as_json: bool
) -> None:
    """Move SERVICE from the role that runs it to another one.

    Its name, number of instances, rules and connections stay. Applied, it starts on the other role's hosts, proxies and
    firewalls follow, and when requests under way are answered it is removed where it was. Data on a host does not move:
    a service that keeps some is refused.

    Without --change the working tree's overrides.yaml is written.
    """
    from trellis.changes.extracting import Asked

    project = find_project(directory)
    asked = Asked(service, to, source)
    found = _in_change(project, asked, change, accept) if change else _in_working_tree(project, asked)
    if as_json:
        emit_json(_document(found, change or ""))
        return
    for line in found.lines():
        echo(line)
    for sentence in found.missing:
        progress(sentence)
    following = f"trellis change apply {change} -e ENVIRONMENT" if change else "trellis plan"
    progress(f"{found.extraction.title[0].lower()}{found.extraction.title[1:]}; next: {following}")


def _in_change(project: Project, asked: "Asked", change: str, accept: tuple[str, ...]) -> "Extracted":
    from trellis.changes.preparing import extract_in_change
    from trellis.revisions.repository import opened

    with opened(project.root) as repository:
        return extract_in_change(repository, project, asked, change, accept)


def _in_working_tree(project: Project, asked: "Asked") -> "Extracted":
    from trellis.changes.preparing import prepared
    from trellis.cli.set import set_in_working_tree
    from trellis.revisions.programs import Program

    found = prepared(project, Program(project.root, project.stack_file), asked)
    set_in_working_tree(project, found.extraction.values)
    return found


def _document(found: "Extracted", change: str) -> dict[str, object]:
    extraction = found.extraction
    return {
        "service": extraction.service,
        "from": extraction.source,
        "to": extraction.target,
        "change": change,
        "set": dict(extraction.values),
        "differences": [asdict(item) for item in found.differences],
        "needs_care": [asdict(care) for care in found.cares],
        "missing": list(found.missing),
    }
