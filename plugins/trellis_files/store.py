"""Entries: what Trellis keeps on a host about each file that it wrote there."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from trellis.records import reading_record, record_line, recorded_owner
from trellis.resources import Owner, Resource
from trellis.values import Value, freeze_mapping
from trellis_files.model import DesiredFile


@dataclass(frozen=True, slots=True)
class Entry:
    """What was last applied to one path.

    Attributes:
        spec: path, kind, mode, owner, group, the content as its mark, and whether it is kept for the boot.
        owner: what the file is there for.
        unfinished: written before the file itself, and replaced after it.
    """

    spec: Mapping[str, Value]
    owner: Owner
    unfinished: bool = False

    def to_json(self) -> str:
        """One line."""
        return record_line(self.spec, self.owner, unfinished=self.unfinished)


def entry_of(resource: Resource, salt: bytes, *, unfinished: bool) -> Entry:
    """The entry for a resource that is being applied."""
    file = DesiredFile.of(resource)
    spec: dict[str, object] = {
        "path": file.path,
        "kind": file.kind,
        "content": file.mark(salt),
        "mode": file.mode,
        "owner": file.owner,
        "group": file.group,
        **({"at_boot": True} if file.at_boot else {}),
    }
    return Entry(freeze_mapping(spec), resource.owner, unfinished)


def read_entry(line: str, host: str) -> Entry:
    """An entry from its line.

    Raises:
        TrellisError: it is not one.
    """
    with reading_record(line, "a file there", f"host {host}") as value:
        told = value["spec"]
        spec = freeze_mapping(told | {name: str(told[name]) for name in ("path", "content")})
        return Entry(spec, recorded_owner(value), bool(value["unfinished"]))


def store_folder(folder: str) -> str:
    """Where entries are, under an environment's folder on the host."""
    return f"{folder}/files"


def identity(path: str) -> str:
    """The name that a path's entry has in the store: a digest, because paths are longer and have slashes."""
    return hashlib.sha256(path.encode()).hexdigest()[:32]


def backup_path(folder: str, path: str) -> str:
    """Where the content is kept that a path had before Trellis."""
    return f"{store_folder(folder)}/{identity(path)}.before"
