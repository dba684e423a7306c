"""A project's folder as bytes, for projects without git: what is kept of it, and how it becomes a program again."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

from trellis.environments.loading import FOLDER
from trellis.environments.project import Project
from trellis.revisions.programs import Program

LARGEST = 1 << 20
"""Bytes of a file that is still kept."""

MOST = 8 << 20
"""Bytes of a whole program that is still kept."""

_NEVER = frozenset({"__pycache__", "node_modules"})


def files_of(root: Path) -> dict[str, bytes]:
    """The program's files by their path in the project; empty when they are too much to keep with every run.

    Left out are hidden files and folders, virtual environments and caches, the environments, which are data, links that
    lead out, and files over `LARGEST`.
    """
    found = {str(path.relative_to(root)): path.read_bytes() for path in _walk(root) if _is_kept(path, root)}
    return found if sum(map(len, found.values())) <= MOST else {}


def written(project: Project, files: Mapping[str, bytes]) -> Program:
    """The program that those files are, in a temporary folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="trellis-program-")).resolve()
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        program = Program(folder, folder / project.stack_file.relative_to(project.root))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(program, shutil.rmtree, folder, ignore_errors=True)
    return program


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        place = Path(folder)
        folders[:] = sorted(name for name in folders if _is_entered(place / name, root))
        yield from (place / name for name in sorted(names) if not name.startswith("."))


def _is_entered(folder: Path, root: Path) -> bool:
    name = folder.name
    is_data = folder == root / FOLDER
    return not (name.startswith(".") or name in _NEVER or is_data or (folder / "pyvenv.cfg").exists())


def _is_kept(path: Path, root: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(root.resolve()) and path.stat().st_size <= LARGEST
