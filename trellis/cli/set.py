"""`trellis set`: set attributes of the stack without editing its program."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli import completing
from trellis.cli.options import project_option
from trellis.cli.output import progress
from trellis.environments.project import Project, find_project
from trellis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(
    name="set",
    epilog="Examples: trellis set Website.image shop/website:7.2 --change bump | "
    "trellis set Web.website.count 'exactly(4)' | trellis set --unset Website.image | trellis set --file wanted.txt",
)
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option(
    "--change",
    metavar="NAME",
    shell_complete=completing.changes,
    help="The change-set that it becomes a part of; else the working tree.",
)
@click.option("--unset", metavar="KEY", multiple=True, help="Let the program's own value hold again.")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Lines of `set KEY VALUE` and `unset KEY`: all of them, or nothing.",
)
@project_option
def set_command(
    key: str | None, value: str | None, change: str | None, unset: tuple[str, ...], source: Path | None, directory: Path
) -> None:
    """Set KEY to VALUE: an image, needs, a label, a site, how many instances, or a config value's default.

    It is written to overrides.yaml, which holds over the program; `trellis describe` shows what is overridden.

    Keys: Website.image, Website.memory, Website.labels.tier, Website.public.domain, Web.website.count,
    Web.website.role, Website.workers.
    """
    project = find_project(directory)
    values = _wanted(key, value, unset, source)
    if change:
        done = _in_change(project, change, values)
        following = f"trellis change show {change}"
    else:
        done = set_in_working_tree(project, values)
        following = "trellis plan"
    what = ", ".join(values)
    progress(f"set {what}; next: {following}" if done else f"{what}: it is so already")


def _wanted(
    key: str | None, value: str | None, unset: tuple[str, ...], source: Path | None
) -> "dict[str, object | None]":
    values: dict[str, object | None] = dict.fromkeys(unset)
    if source:
        values |= _from_file(source)
    if key is not None:
        if value is None:
            raise UsageError(f"a value for {key} is missing", hint=f"trellis set {key} VALUE")
        values[key] = scalar(value)
    if not values:
        raise UsageError("nothing is to be set", hint="trellis set KEY VALUE")
    return values


def _from_file(source: Path) -> "dict[str, object | None]":
    values: dict[str, object | None] = {}
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as fault:
            raise UsageError(f"cannot be read: {fault}", where=f"{source}:{number}") from None
        match words:
            case []:
                continue
            case ["set", key, value]:
                values[key] = scalar(value)
            case ["unset", key]:
                values[key] = None
            case _:
                hint = "write: set KEY VALUE, or: unset KEY"
                raise UsageError(f"not a command of this file: {line.strip()}", where=f"{source}:{number}", hint=hint)
    return values


def scalar(text: str) -> object:
    """A value as YAML has it: 4 is a number, true is true; anything that is not one of these is text."""
    if text in {"true", "false"}:
        return text == "true"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _in_change(project: Project, change: str, values: "Mapping[str, object | None]") -> bool:
    from trellis.changes.making import set_attributes
    from trellis.revisions.repository import opened

    with opened(project.root) as repository:
        return set_attributes(repository, project, change, values) is not None


def set_in_working_tree(project: Project, values: "Mapping[str, object | None]") -> bool:
    """Write the file when the stack evaluates with it."""
    from trellis.environments.writing import exclusive, write_file
    from trellis.evaluating import evaluate_without_overrides
    from trellis.loading import load_stack
    from trellis.overrides.file import apply_text, changed
    from trellis.overrides.model import OVERRIDES_FILE

    file = project.root / OVERRIDES_FILE
    with exclusive(project.root):
        before = file.read_text(encoding="utf-8") if file.is_file() else ""
        after = changed(before, values)
        if after == before:
            return False
        apply_text(evaluate_without_overrides(load_stack(project.stack_file), project.root), after)
        if after:
            write_file(file, after)
        else:
            file.unlink()
    return True
