"""`trellis export`: an environment and its history, as one document."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from trellis.cli.options import chosen_environment, environment_option, project_option
from trellis.cli.output import progress
from trellis.environments.project import find_project

if TYPE_CHECKING:
    from trellis.portable.model import Document

_ENDINGS: dict[str, Literal["json", "yaml"]] = {".yaml": "yaml", ".yml": "yaml"}


@click.command(epilog="Examples: trellis export -e prod --out prod.json | trellis export -e prod --format yaml")
@environment_option
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write there, readable by you alone; without it, to standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "yaml"]),
    help="By default what FILE's name says, else JSON.",
)
@project_option
def export(environment: str | None, out: Path | None, form: Literal["json", "yaml"] | None, directory: Path) -> None:
    """Write an environment to one document: blueprint, program, files, placement and history.

    Secrets stay encrypted, and the key to them is not in it. `trellis import` brings it into a project, on the same
    hosts or on new ones.
    """
    from datetime import UTC, datetime

    from trellis.cli.running import command_line, locked
    from trellis.environments.loading import check_exists
    from trellis.environments.writing import write_file
    from trellis.portable.collecting import collect, left_behind
    from trellis.portable.writing import as_text

    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    with locked(project.state_url, name, command_line(), 0) as recording:
        document = collect(project, name, recording.store, datetime.now(UTC))
    text = as_text(document, form or _ENDINGS.get(out.suffix if out else "", "json"))
    if out:
        write_file(out, text, mode=0o600)
        progress(f"wrote {out}: {_contents(document)}")
    else:
        click.echo(text, nl=False)
        progress(f"exported {_contents(document)}")
    progress("not in the document:")
    for sentence in left_behind(project, document):
        progress(f"  {sentence}")


def _contents(document: "Document") -> str:
    instances = sum(one.instance > 0 and one.key.startswith("container:") for one in document.placement)
    counts = (
        (len(document.files), "file"), (len(document.program.files), "program file"),
        (instances, "instance"), (len(document.history), "run"),
    )  # fmt: skip
    said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    return f"{document.environment} with {said}"
