"""What a document holds: an environment, its program, what it was brought to, and how it came there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from trellis.environments.loading import FOLDER
from trellis.state.journal import Entry
from trellis.state.records import Made

SCHEMA_VERSION = 1
"""Raised with every change of the document that an older Trellis could not read."""

FileKind = Literal["environment", "secrets", "keys", "trust"]
_PLACES: Mapping[FileKind, str] = {
    "environment": "{}.yaml",
    "secrets": "{}.secrets.yaml",
    "keys": "{}.keys.yaml",
    "trust": "trust/{}.yaml",
}


def places(root: Path, name: str) -> dict[FileKind, Path]:
    """Where the files of an environment are in a project, whether they are there or not."""
    return {kind: root / FOLDER / place.format(name) for kind, place in _PLACES.items()}


@dataclass(frozen=True, slots=True)
class ExportedProgram:
    """The program that the environment runs.

    Attributes:
        files: its files by path in the project; empty when they were too much for a document.
        branch: the git branch that it was on; empty for the working tree.
        commit: what was checked out; empty without git.
        dirty: whether the working tree had edits.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    branch: str = ""
    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """An environment, ready to travel.

    Attributes:
        written_by: the version of Trellis that wrote it.
        written: when, in UTC.
        environment: the environment's name.
        blueprint: the evaluated stack as plain JSON.
        blueprint_digest: of it, as plans show it.
        program: what the blueprint was evaluated from.
        files: the environment's files byte for byte; secrets and keys are encrypted in them.
        placement: what Trellis made and where, ``container:website-2@ny1``, with its ports.
        history: the runs, oldest first.
    """

    written_by: str
    written: datetime
    environment: str
    blueprint: Mapping[str, Any]
    blueprint_digest: str
    program: ExportedProgram
    files: Mapping[FileKind, bytes]
    placement: tuple[Made, ...] = ()
    history: tuple[Entry, ...] = ()
