"""`trellis init`: a new project with comments that explain it."""

import re
from importlib.resources import files
from pathlib import Path

import click

from trellis.cli.output import echo, progress
from trellis.errors import UsageError

# Where each file of the template goes. Names without a leading dot survive every packaging tool.
TEMPLATE = {
    "stack.py.txt": "stack.py",
    "trellis.yaml": "trellis.yaml",
    "dev.yaml": "environments/dev.yaml",
    "gitignore": ".gitignore",
}


@click.command(epilog="Example: trellis init shop")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(directory: Path) -> None:
    """Start a project in DIRECTORY, by default here: a stack, its settings and an environment on this machine.

    Nothing that is there already is overwritten. Where git is installed, and the folder is in no repository, it becomes
    one with these files in its first commit.
    """
    made = project_files(stack_name(directory.resolve().name))
    _refuse_overwriting(directory, made)
    for path, content in made.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(content)
        echo(str(target))
    _begin_history(directory, made)
    progress(f"next: {'' if directory == Path() else f'cd {directory} && '}trellis up")


def _begin_history(directory: Path, made: dict[str, str]) -> None:
    from trellis.errors import TrellisError
    from trellis.revisions.beginning import begin

    try:
        begin(directory.resolve(), list(made), "Start with what trellis init writes")
    except TrellisError as fault:
        progress(f"no git repository was made: {fault.what}")


def project_files(name: str) -> dict[str, str]:
    """The files of a new project: path in the project → content.

    Args:
        name: the stack's name.
    """
    folder = files("trellis.cli") / "template"
    return {
        path: (folder / source).read_text(encoding="utf-8").replace("STACK_NAME", name)
        for source, path in TEMPLATE.items()
    }


def stack_name(folder: str) -> str:
    """A name that a stack can have, from a folder's: ``My Shop`` gives ``my-shop``."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-").lstrip("0123456789-")
    return name[:40].strip("-") or "my-stack"


def _refuse_overwriting(directory: Path, made: dict[str, str]) -> None:
    there = [path for path in made if (directory / path).exists() or (directory / path).is_symlink()]
    if there:
        raise UsageError(
            f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already; nothing was written",
            where=str(directory),
            hint="trellis init ANOTHER_FOLDER",
        )
