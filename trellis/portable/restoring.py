"""A document brought into a folder: looked at first, then written whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from trellis.environments.loading import label, parse_environment
from trellis.environments.project import PROJECT_FILE, Project, find_project
from trellis.environments.writing import write_bytes
from trellis.errors import ConfigError, UsageError
from trellis.portable.model import Document, places
from trellis.state.journal import Entry
from trellis.state.records import Made
from trellis.state.store import Store


@dataclass(frozen=True, slots=True)
class Restoring:
    """What an import is going to do.

    Attributes:
        project: where to; its files need not be there yet.
        environment: the name that it gets.
        new: the project's own files come from the document.
        files: by absolute path, what is written; None removes. What is so already is not among them.
        history: the runs under the environment's name, oldest first.
        placement: what was made, in doubt until somebody looks.
    """

    project: Project
    environment: str
    new: bool
    files: Mapping[Path, bytes | None]
    history: tuple[Entry, ...]
    placement: tuple[Made, ...]

    @property
    def overwritten(self) -> tuple[str, ...]:
        """Files that are there and would become others, relative to the project."""
        there = [path for path in self.files if path.exists() or path.is_symlink()]
        return tuple(str(path.relative_to(self.project.root)) for path in there)


def restoring(folder: Path, document: Document, name: str = "") -> Restoring:
    """Look what an import into a folder would do; nothing is written.

    Args:
        folder: in a project, or where a new one is to be.
        document: what was exported.
        name: of the environment; empty keeps the one that it had.

    Raises:
        ConfigError: the document's environment cannot be one of the project, or its program is no project.
        UsageError: a file would be written outside of the project.
    """
    name, folder = name or document.environment, folder.resolve()
    new = not any((place / PROJECT_FILE).is_file() for place in (folder, *folder.parents))
    project = _new_project(folder, document, name) if new else find_project(folder)
    if not new:
        parse_environment(project, name, _environment_text(document, name))
    wanted = _environment_files(project, document, name)
    wanted |= {project.root / path: content for path, content in document.program.files.items()} if new else {}
    files = {path: content for path, content in wanted.items() if _content(path) != content}
    _stay_inside(project.root, files)
    history = tuple(entry.of(name) for entry in document.history)
    return Restoring(
        project, name, new, files, history, tuple(replace(one, certain=False) for one in document.placement)
    )


def same_history(store: Store, asked: Restoring) -> bool:
    """Whether the journal has these runs already, whatever their numbers."""
    there = store.journal.read(asked.environment)
    return [entry.numbered(0) for entry in there] == [entry.numbered(0) for entry in asked.history]


def refuse_overwriting(asked: Restoring, store: Store | None) -> None:
    """Make sure that nothing that is there is lost.

    Raises:
        UsageError: files, or a history, are there and differ.
    """
    found = list(asked.overwritten)
    if store and store.history(asked.environment, 1) and not same_history(store, asked):
        found.append(f"the history of {asked.environment}")
    if found:
        verb = "is" if len(found) == 1 else "are"
        raise UsageError(
            f"{', '.join(found)} {verb} there already, and not as in the document; nothing was written",
            where=str(asked.project.root),
            hint="add --replace to write over it, or -e NAME for another name",
        )


@contextmanager
def files_written(asked: Restoring) -> Iterator[None]:
    """Write the files; when the block fails, or the writing itself, everything is as it was before."""
    before = {path: _content(path) for path in asked.files}
    folders = _missing_folders(asked.files)
    try:
        for path, content in asked.files.items():
            _put(path, content)
        yield
    except BaseException:
        for path, content in before.items():
            _put(path, content)
        for folder in reversed(folders):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        write_bytes(path, content)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as fault:
        raise ConfigError(f"cannot be read: {fault.strerror}", where=str(path)) from fault


def _missing_folders(paths: Mapping[Path, object]) -> list[Path]:
    """Folders that are to be made, outer ones first."""
    return sorted({folder for path in paths for folder in path.parents if not folder.exists()})


def _new_project(folder: Path, document: Document, name: str) -> Project:
    """The project that the document's program makes of a folder, found out in another one."""
    if PROJECT_FILE not in document.program.files:
        commit = f" (it was at {document.program.commit[:10]})" if document.program.commit else ""
        raise ConfigError(
            f"the document does not hold the program, and there is no {PROJECT_FILE} here",
            where=str(folder),
            hint=f"bring the program here by git{commit}, and import again",
        )
    with _temporary() as there:
        write_bytes(there / PROJECT_FILE, document.program.files[PROJECT_FILE])
        found = find_project(there)
        parse_environment(found, name, _environment_text(document, name))
    return replace(
        found,
        root=folder,
        name=folder.name or "root",
        stack_file=folder / found.stack_file.relative_to(there),
        state_url=found.state_url.replace(f"sqlite:///{there}/", f"sqlite:///{folder}/", 1),
    )


@contextmanager
def _temporary() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trellis-import-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment_text(document: Document, name: str) -> str:
    try:
        return document.files["environment"].decode()
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8 text", where=label(name)) from None


def _environment_files(project: Project, document: Document, name: str) -> dict[Path, bytes | None]:
    """The environment's files in the project; None for one that the document does not have."""
    return {path: document.files.get(kind) for kind, path in places(project.root, name).items()}


def _stay_inside(root: Path, paths: Mapping[Path, object]) -> None:
    strange = [path for path in paths if not path.resolve().is_relative_to(root.resolve())]
    if strange:
        raise UsageError("a link leads out of the project, and is not followed", where=str(strange[0]))
