"""A folder as the stack declares it and as it was found."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from trellis.errors import UsageError
from trellis.records import reading_record, record_line, recorded_owner
from trellis.resources import Actual, Owner, Resource
from trellis.values import Value, freeze_mapping
from trellis_files.model import Telling, checked_account, checked_path

KIND = "folder"
Listing = Mapping[str, tuple[str, int]]
"""Files by relative path: SHA-256 and mode."""


@dataclass(frozen=True, slots=True)
class DesiredFolder:
    """A folder as it should be.

    Attributes:
        path: absolute and normal.
        contents: of each file by relative path.
        listing: likewise, what is compared.
        owner: of everything in it: user name or number; empty leaves it to root.
        group: likewise.
        tell: who is told when it changes.
    """

    path: str
    contents: Mapping[str, bytes]
    listing: Listing
    owner: str
    group: str
    tell: Telling | None

    @classmethod
    def of(cls, resource: Resource) -> "DesiredFolder":
        """The folder that a resource describes.

        Raises:
            UsageError: a field of the spec cannot be used.
        """
        spec, where = resource.spec, str(resource.key)
        files = spec["files"]
        if not isinstance(files, Mapping):
            raise UsageError("a folder without a list of files", where=where)
        contents, listing = {}, {}
        for name, file in files.items():
            checked_path(f"/{name}", where)
            if not isinstance(file, Mapping) or not isinstance(file["mode"], int):
                raise UsageError(f"{name} has no content or no mode", where=where)
            contents[name] = base64.b64decode(str(file["content"]), validate=True)
            listing[name] = (hashlib.sha256(contents[name]).hexdigest(), file["mode"])
        owner, group = (checked_account(str(spec.get(name) or ""), where) for name in ("owner", "group"))
        path = checked_path(str(spec["path"]), where)
        return cls(path, contents, listing, owner, group, Telling.of(spec.get("tell")))


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """What was found at a path.

    Attributes:
        type: ``folder``, ``nothing`` or ``other``.
        listing: its files; links, devices and the like with an empty hash.
        strangers: files that belong to another account than they should.
        managed: Trellis wrote it.
        unfinished: the run that wrote it was killed before it was done.
        last: the files as they were last applied.
        owner: to whom they were last given, ``user:group``.
    """

    type: str
    listing: Listing
    owners: Mapping[str, tuple[str, ...]]
    managed: bool
    unfinished: bool
    last: Listing

    @classmethod
    def of(cls, actual: Actual) -> "FoundFolder":
        """The folder that `trellis_files.folders.facts` described."""
        state = actual.state
        owners = state.get("owners")
        return cls(
            type=str(state["type"]),
            listing=_listing(state.get("files")),
            owners={name: tuple(map(str, of)) for name, of in owners.items() if isinstance(of, tuple)}
            if isinstance(owners, Mapping)
            else {},
            managed=bool(actual.spec),
            unfinished=bool(state.get("unfinished")),
            last=_listing(actual.spec.get("files")),
        )


def entry_line(folder: DesiredFolder, owner: Owner, *, unfinished: bool) -> str:
    """What Trellis keeps on the host about a folder, as one line of JSON."""
    spec = {
        "path": folder.path,
        "owner": folder.owner,
        "group": folder.group,
        "files": {name: list(entry) for name, entry in folder.listing.items()},
    }
    return record_line(spec, owner, unfinished=unfinished)


def read_entry(line: str, host: str) -> tuple[Mapping[str, Value], Owner, bool]:
    """The spec that was last applied, whose it is, and whether that was not finished.

    Raises:
        TrellisError: it is no entry.
    """
    with reading_record(line, "a folder there", f"host {host}") as found:
        return freeze_mapping(found["spec"]), recorded_owner(found), bool(found["unfinished"])


def _listing(value: Value) -> Listing:
    if not isinstance(value, Mapping):
        return {}
    found = {}
    for name, entry in value.items():
        if isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[1], int):
            found[name] = (str(entry[0]), entry[1])
    return found
