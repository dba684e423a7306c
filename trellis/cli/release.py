"""`trellis release`: change-sets that travel together, under one version."""

from pathlib import Path

import click

from trellis.cli import completing
from trellis.cli.options import json_option, project_option
from trellis.cli.output import echo, emit_json, progress, table
from trellis.environments.project import find_project


@click.group(epilog="Example: trellis release create 7.2 --changes bump,banner")
def release() -> None:
    """Make releases of change-sets, and look at them."""


@release.command(epilog="Example: trellis release create 7.2 --changes bump,banner")
@click.argument("version")
@click.option(
    "--changes",
    required=True,
    metavar="NAMES",
    shell_complete=completing.changes,
    help="The change-sets in it, with commas between them.",
)
@json_option
@project_option
def create(version: str, changes: str, directory: Path, *, as_json: bool) -> None:
    """Merge change-sets and tag the result release/VERSION: exactly these, whatever else is in any environment."""
    from trellis.changes.releases import create as create_release
    from trellis.revisions.repository import opened

    project = find_project(directory)
    names = [name.strip() for name in changes.split(",") if name.strip()]
    with opened(project.root) as repository:
        made = create_release(repository, project, version, names)
    if as_json:
        changes_in_it = [{"name": name, "commit": tip} for name, tip in made.changes.items()]
        emit_json({"version": version, "tag": made.tag, "commit": made.commit, "changes": changes_in_it})
    contains = ", ".join(made.changes)
    progress(f"release {version} holds {contains}; next: trellis publish {version} -e ENVIRONMENT, where it runs")


@release.command(name="list", epilog="Examples: trellis release list | trellis release list --json")
@json_option
@project_option
def list_(directory: Path, *, as_json: bool) -> None:
    """List the releases and what they hold."""
    from trellis.changes.reading import read
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        found = sorted(read(repository).releases.values(), key=lambda item: item.written)
    if as_json:
        releases = [{"version": item.version, "commit": item.commit, "changes": list(item.changes)} for item in found]
        emit_json({"releases": releases})
    elif found:
        rows = [(item.version, ", ".join(item.changes), item.author, item.written[:10]) for item in found]
        table(("release", "holds", "by", "on"), rows)
    else:
        progress("there are no releases; make one: trellis release create VERSION --changes NAME,NAME")


@release.command(epilog="Example: trellis release show 7.2 --json")
@click.argument("version", shell_complete=completing.releases)
@json_option
@project_option
def show(version: str, directory: Path, *, as_json: bool) -> None:
    """Show what the release VERSION holds, and which environments run and published it."""
    from trellis.promotion.telling import release_document, release_lines
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        document = release_document(repository, project, version)
    if as_json:
        emit_json(document)
        return
    for line in release_lines(document):
        echo(line)
