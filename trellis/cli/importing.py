"""`trellis import`: what `trellis export` wrote, brought into a project."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.options import environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, progress
from trellis.errors import ConfigError, TrellisError

if TYPE_CHECKING:
    from trellis.portable.model import Document
    from trellis.portable.restoring import Restoring
    from trellis.state.store import Store


@click.command(name="import", epilog="Examples: trellis import prod.json | trellis import prod.json -e spare --dry-run")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@environment_option
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--replace", is_flag=True, help="Write over an environment, its secrets and its history that are here.")
@json_option
@project_option
def import_command(
    file: Path, environment: str | None, directory: Path, *, dry_run: bool, replace: bool, as_json: bool
) -> None:
    """Bring an exported environment into the project here; FILE may be - for standard input.

    In a folder without a project, the document's program makes one. In a project, the program that is there stays. The
    environment keeps its name, or gets the one that --env says. All is written, or nothing.
    """
    from trellis.portable.reading import from_text
    from trellis.portable.restoring import restoring

    document = from_text(_text(file), str(file))
    asked = restoring(directory, document, environment or "")
    added = _looked_at(asked, replace=replace) if dry_run else _restore(asked, replace=replace)
    if as_json:
        emit_json(_summary(asked) | {"dry_run": dry_run})
    else:
        _tell(asked, "would be " if dry_run else "", added)
    if dry_run:
        progress("next: trellis import without --dry-run")
    else:
        _tell_of_program(asked, document)
        progress(f"next: look at the hosts' addresses in environments/{asked.environment}.yaml, then")
        progress(f"      trellis plan -e {asked.environment}")


def _text(file: Path) -> str:
    try:
        return (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode()
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=str(file)) from fault
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=str(file)) from None


def _looked_at(asked: "Restoring", *, replace: bool) -> int:
    from trellis.portable.restoring import refuse_overwriting

    with _store_if_any(asked) as store:
        if not replace:
            refuse_overwriting(asked, store)
    return 0


def _restore(asked: "Restoring", *, replace: bool) -> int:
    """Write it all under the environment's lock; what was added to the runs' numbers."""
    from trellis.cli.running import command_line, locked
    from trellis.portable.restoring import files_written, refuse_overwriting, same_history

    _looked_at(asked, replace=replace)  # before anything is made in a folder where nothing was
    with (
        files_written(asked),
        locked(asked.project.state_url, asked.environment, command_line(), 0) as recording,
    ):
        store = recording.store
        if same_history(store, asked):
            return 0
        if not replace and store.history(asked.environment, 1):
            refuse_overwriting(asked, store)  # somebody was at work in between
        return store.journal.restore(asked.environment, asked.history, asked.placement)


@contextmanager
def _store_if_any(asked: "Restoring") -> "Iterator[Store | None]":
    """The journal, unless it is a file that is not there yet."""
    from trellis.state.store import open_store

    url = asked.project.state_url
    file = url.removeprefix("sqlite:///")
    if file != url and not Path(file).exists():
        yield None
        return
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def _summary(asked: "Restoring") -> dict[str, object]:
    root = asked.project.root
    files = {str(path.relative_to(root)): content for path, content in asked.files.items()}
    return {
        "environment": asked.environment,
        "project": str(root),
        "new_project": asked.new,
        "written": sorted(path for path, content in files.items() if content is not None),
        "removed": sorted(path for path, content in files.items() if content is None),
        "runs": len(asked.history),
    }


def _tell(asked: "Restoring", would_be: str, added: int) -> None:
    for path, content in sorted(asked.files.items()):
        echo(f"{path.relative_to(asked.project.root)}: {would_be}{'removed' if content is None else 'written'}")
    if not asked.files:
        progress("all files are here already, as they are in the document")
    runs = f"{len(asked.history)} run{'' if len(asked.history) == 1 else 's'}"
    echo(f"history of {asked.environment}: {runs}")
    if added:
        progress(f"another environment has runs of these numbers, so {added} was added to each")


def _tell_of_program(asked: "Restoring", document: "Document") -> None:
    """Say so when the program here is another than the exported one."""
    from trellis.revisions.blueprints import evaluated
    from trellis.revisions.programs import Program

    try:
        here = evaluated(Program(asked.project.root, asked.project.stack_file)).digest
    except TrellisError as fault:
        progress(f"warning: the program here cannot be evaluated: {fault.what}")
        return
    if here != document.blueprint_digest:
        commit = f"; that was at commit {document.program.commit[:10]}" if document.program.commit else ""
        progress(f"warning: the program here declares another blueprint than the exported one{commit}")
