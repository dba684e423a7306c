"""`trellis change`: named changes of the stack, made once and moved from environment to environment."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from trellis.cli.output import confirm as agree
from trellis.cli.output import echo, emit_json, progress, table
from trellis.cli.overruling import Words, overruling_options
from trellis.environments.project import Project, find_project

if TYPE_CHECKING:
    from trellis.promotion.applying import Prepared


@click.group(epilog='Example: trellis change start bump --title "Website 7.2"')
def change() -> None:
    """Make change-sets, see where each of them is, and apply them to environments."""


@change.command(
    epilog='Examples: trellis change start bump --title "Website 7.2" --version 7.2 | '
    "trellis change start fix --after bump"
)
@click.argument("name")
@click.option("--title", metavar="TEXT", default="", help="One line on what it changes; by default its name.")
@click.option("--version", metavar="TEXT", default="", help="A version tag, such as 7.2.")
@click.option("--notes", metavar="TEXT", default="", help="Migration notes: what operators should know or do.")
@click.option(
    "--after",
    metavar="NAMES",
    default="",
    shell_complete=completing.changes,
    help="Change-sets that it builds on, with commas between them.",
)
@click.option(
    "--accept", metavar="WHAT", multiple=True, help='What needs care and is meant so: "storage Database.data".'
)
@project_option
def start(
    name: str, title: str, version: str, notes: str, after: str, accept: tuple[str, ...], directory: Path
) -> None:
    """Start the change-set NAME on a branch change/NAME, cut from main. What is checked out stays."""
    from trellis.changes import making
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        making.start(repository, making.Sheet(name, title, version, notes, accept, _words(after)))
    ways = f"trellis set KEY VALUE --change {name}, or edit the stack and: trellis change commit {name}"
    progress(f"started {name}; next: {ways}")


@change.command(epilog='Example: trellis change commit bump -m "Raise the memory"')
@click.argument("name", shell_complete=completing.changes)
@click.option("-m", "--message", default="", help="What the edits do.")
@project_option
def commit(name: str, message: str, directory: Path) -> None:
    """Commit the working tree's edits to the change-set NAME.

    Environments are left out: their data never travels with a change. The edits stay in the working tree.
    """
    from trellis.changes.making import commit_edits
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        made = commit_edits(repository, name, message or f"Edit {name}")
    progress(
        f"committed to {name}; next: trellis change show {name}" if made else f"nothing to commit: {name} has it all"
    )


@change.command(name="list", epilog="Examples: trellis change list | trellis change list --json")
@json_option
@project_option
def list_(directory: Path, *, as_json: bool) -> None:
    """Show which change-set is in which environment: applied, pending, conflicting, reverted, or not anywhere yet."""
    from trellis.changes.listing import environments_in_order, list_changes
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        columns = environments_in_order(project)
        rows = list_changes(repository, columns)
    if as_json:
        emit_json({"environments": list(columns), "changes": [_row_document(row) for row in rows]})
    elif rows:
        table(("change", *columns, "version", "title"), [_cells(row, columns) for row in rows])
    else:
        progress("there are no change-sets; start one: trellis change start NAME")


@change.command(
    epilog="Examples: trellis change show bump | trellis change show bump --text | trellis change show bump --json"
)
@click.argument("name", shell_complete=completing.changes)
@click.option("--text", is_flag=True, help="Also show the difference of the files.")
@json_option
@project_option
def show(name: str, directory: Path, *, text: bool, as_json: bool) -> None:
    """Show what the change-set NAME does to the stack: services, images, sites, storage, firewall paths, config."""
    from trellis.changes.listing import shown
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        found = shown(repository, project, name)
        patch = repository.patch(found.base, found.change.tip) if text else ""
    if as_json:
        emit_json(found.as_json() | ({"text": patch} if text else {}))
        return
    for line in found.lines():
        echo(line)
    if patch:
        echo()
        echo(patch)


@change.command(
    epilog="Examples: trellis change apply bump -e dev | trellis change apply bump -e dev --yes && trellis up -e dev"
)
@click.argument("name", shell_complete=completing.changes)
@click.option(
    "--accept", metavar="WHAT", multiple=True, help='Accept what needs care: "storage Database.data", or all.'
)
@environment_option
@yes_option
@no_input_option
@overruling_options
@json_option
@project_option
def apply(  # noqa: PLR0913 - one argument an option
    name: str,
    accept: tuple[str, ...],
    environment: str | None,
    directory: Path,
    chain: Words,
    *,
    yes: bool,
    no_input: bool,
    as_json: bool,
) -> None:
    """Merge the change-set NAME into an environment's branch; `trellis up` then runs it.

    An environment that pulls from another one runs what it pulled; there the chain has to be overruled.
    """
    from trellis.promotion.applying import apply_change

    project = find_project(directory)
    place = chosen_environment(project, environment)
    who = chain.overruling(place, no_input=no_input)
    with apply_change(project, place, name, who, accept) as prepared:
        if prepared is None:
            if as_json:
                emit_json(_moved_document(place, name, None, ""))
            progress(f"{place} has {name} already")
            return
        made = _agreed(project, prepared, f"Apply {name} to {place}?", yes=yes, no_input=no_input, as_json=as_json)
        if as_json:
            emit_json(_moved_document(place, name, prepared, made))
    progress(f"{place} has {name}; next: trellis up -e {place}")


@change.command(epilog="Example: trellis change revert bump -e dev")
@click.argument("name", shell_complete=completing.changes)
@click.option(
    "--accept", metavar="WHAT", multiple=True, help='Accept what needs care: "storage Database.data", or all.'
)
@environment_option
@yes_option
@no_input_option
@json_option
@project_option
def revert(
    name: str,
    accept: tuple[str, ...],
    environment: str | None,
    directory: Path,
    *,
    yes: bool,
    no_input: bool,
    as_json: bool,
) -> None:
    """Take the change-set NAME out of an environment's branch; `trellis up` then runs without it."""
    from trellis.cli.withdrawing import withdraw_what_holds
    from trellis.promotion.applying import revert_change

    project = find_project(directory)
    place = chosen_environment(project, environment)
    with revert_change(project, place, name, accept) as prepared:
        made = _agreed(project, prepared, f"Take {name} out of {place}?", yes=yes, no_input=no_input, as_json=as_json)
        if as_json:
            emit_json(_moved_document(place, name, prepared, made))
    withdraw_what_holds(project, place, [name], prepared.blueprint.stack)
    progress(f"{place} no longer has {name}; next: trellis up -e {place}")


@change.command(epilog="Example: trellis change drop bump")
@click.argument("name", shell_complete=completing.changes)
@yes_option
@no_input_option
@project_option
def drop(name: str, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Remove the change-set NAME, which no environment runs."""
    from trellis.changes import making
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        agree(f"Remove the change-set {name}?", yes=yes, no_input=no_input)
        was = making.drop(repository, name)
    progress(f"removed {name}; to have it back: git branch change/{name} {was[:12]}")


def _agreed(project: Project, prepared: "Prepared", question: str, *, yes: bool, no_input: bool, as_json: bool) -> str:
    """Show what is prepared, ask, and write it; the new commit."""
    from trellis.cli.events import recorded

    for line in () if as_json else prepared.lines():
        echo(line)
    agree(question, yes=yes, no_input=no_input)
    with recorded(project, prepared.proposal.environment, prepared.blueprint.stack, prepared.summary, prepared.reason):
        return prepared.write()


def _moved_document(environment: str, name: str, prepared: "Prepared | None", commit: str) -> dict[str, object]:
    """What `change apply` and `change revert` did to an environment's branch; nothing when there was nothing to do."""
    return {
        "environment": environment,
        "change": name,
        "moved": prepared is not None,
        "commit": commit,
        "reason": prepared.reason if prepared else "",
        "differences": [asdict(item) for item in prepared.differences] if prepared else [],
    }


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _cells(row: Any, columns: tuple[str, ...]) -> tuple[str, ...]:
    states = [row.standings[name] for name in columns]
    cells = [f"{item.state} ({item.detail})" if item.detail else item.state for item in states]
    return (row.change.name, *cells, row.change.version, row.change.title)


def _row_document(row: Any) -> dict[str, object]:
    change = row.change
    return {
        "name": change.name,
        "title": change.title,
        "version": change.version,
        "author": change.author,
        "written": change.written,
        "anywhere": row.anywhere,
        "environments": {
            name: {"state": "none" if item.state == "-" else item.state, "more": item.more}
            for name, item in row.standings.items()
        },
    }
