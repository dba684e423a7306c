"""What the observing script prints about folders, as resources found on a host."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from trellis.errors import TrellisError
from trellis.resources import Actual, Owner, ResourceKey
from trellis.values import Value, freeze_mapping
from trellis_files.folders.model import KIND, read_entry

_HASH_LENGTH = 64


@dataclass(slots=True)
class _Folder:
    """One folder's lines, sorted out."""

    type: str = "nothing"
    spec: dict[str, Value] = field(default_factory=dict)
    owner: Owner = Owner()
    unfinished: bool = False
    backed_up: bool = False
    modes: dict[str, int] = field(default_factory=dict)
    owners: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


def parse_folders(stdout: str, host: str, root: str) -> tuple[Actual, ...]:
    """The folders that Trellis keeps, and those that are at an expected path.

    Args:
        stdout: what the script printed.
        host: the host's name.
        root: whose files are that name no owner.

    Raises:
        TrellisError: a line is not readable.
    """
    found: dict[str, _Folder] = {}
    path = ""
    for line in stdout.split("\n"):
        match line.split("\t"):
            case [""]:
                continue
            case ["folder", type_, path]:
                found.setdefault(path, _Folder()).type = type_
            case ["entry", json]:
                spec, owner, unfinished = read_entry(json, host)
                folder = found.setdefault(str(spec["path"]), _Folder())
                folder.spec, folder.owner, folder.unfinished = dict(spec), owner, unfinished
            case ["before", path]:
                found.setdefault(path, _Folder()).backed_up = True
            case ["stat", mode, uid, gid, user, group, name] if path in found:
                _add(found[path], _relative(name, path), int(mode, 16), (user, uid, group, gid))
            case [hashed] if hashed[_HASH_LENGTH:].startswith("  /") and path in found:
                found[path].hashes[_relative(hashed[_HASH_LENGTH + 2 :], path)] = hashed[:_HASH_LENGTH]
            case _:
                raise TrellisError(f"unexpected answer while looking at folders: {line[:80]!r}", where=f"host {host}")
    return tuple(_actuals(found, host, root))


def _relative(name: str, path: str) -> str:
    return name.removeprefix(f"{path}/")


def _add(folder: _Folder, name: str, mode: int, owner: tuple[str, str, str, str]) -> None:
    if not stat.S_ISDIR(mode):
        folder.modes[name] = stat.S_IMODE(mode)
        folder.owners[name] = owner


def _actuals(found: dict[str, _Folder], host: str, root: str) -> Iterator[Actual]:
    for path, folder in sorted(found.items()):
        if folder.type == "nothing" and not folder.spec:
            continue
        state = {
            "type": folder.type,
            "files": {name: [folder.hashes.get(name, ""), mode] for name, mode in folder.modes.items()},
            "owners": {name: list(owner) for name, owner in folder.owners.items()},
            "unfinished": folder.unfinished,
            "backed_up": folder.backed_up,
            "root": root,
        }
        yield Actual(ResourceKey(KIND, path, host), folder.spec, freeze_mapping(state), folder.owner)
