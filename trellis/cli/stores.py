"""Opens the state of the project that a command is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.environments.project import Project, find_project

if TYPE_CHECKING:
    from trellis.state.store import Store


@contextmanager
def project_store(directory: Path) -> "Iterator[tuple[Project, Store]]":
    """The project at or above a folder, and its state, closed afterwards.

    Raises:
        UsageError: there is no project, or its state's URL is at fault.
        StateError: the state cannot be opened.
    """
    from trellis.state.database import state_url
    from trellis.state.store import open_store

    project = find_project(directory)
    store = open_store(state_url(project.root, project.state_url))
    try:
        yield project, store
    finally:
        store.close()
