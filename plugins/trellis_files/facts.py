"""What the observing script prints, as resources found on a host."""

import base64
import io
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from trellis.errors import TrellisError
from trellis.plugin.contracts import Scope
from trellis.resources import Actual, ResourceKey
from trellis.values import FINGERPRINT, freeze_mapping
from trellis_files.model import as_text, mark_of
from trellis_files.store import Entry, backup_path, read_entry

# What stat(1) says in the C locale about a path where nothing is.
_NOTHING_THERE = ("No such file or directory", "Not a directory")
_HASH_LENGTH = 64
# Its owner is the account that looks.
_SELF = "/proc/self/."
_FOLDERS = "folders"


@dataclass(slots=True)
class _Printed:
    """The script's lines, sorted out by path."""

    account: tuple[str, str] = ("", "")
    entries: dict[str, Entry] = field(default_factory=dict)
    backups: set[str] = field(default_factory=set)
    for_boot: set[str] = field(default_factory=set)
    stats: dict[str, tuple[int, str, str, int, str, str, int]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


def parse(stdout: str, host: str, scope: Scope) -> tuple[Actual, ...]:
    """The files that Trellis wrote and those that are at an expected path, by path.

    A path where nothing is and that Trellis never wrote is not among them.

    Raises:
        TrellisError: an entry or a line is not readable.
    """
    printed = _Printed()
    # Not splitlines(): a path may hold characters that Unicode calls line ends.
    for line in stdout.split("\n"):
        if line:
            _sort(line, printed, host)
    return tuple(_actuals(printed, host, scope))


def keeps_folders(stdout: str) -> bool:
    """Whether the script found folders that Trellis keeps there."""
    return stdout.partition("\n")[0] == _FOLDERS


def unexpected(stderr: str) -> str:
    """The first complaint of stat(1) that does not say that nothing is at a path; empty when there is none."""
    for line in stderr.splitlines():
        if line.startswith("stat:") and not line.endswith(_NOTHING_THERE):
            return line.strip()
    return ""


def _sort(line: str, printed: _Printed, host: str) -> None:
    match line.split("\t"):
        case [word] if word == _FOLDERS:
            return
        case ["entry", json]:
            entry = read_entry(json, host)
            printed.entries[str(entry.spec["path"])] = entry
        case ["before", path]:
            printed.backups.add(path)
        case ["boot", path]:
            printed.for_boot.add(path)
        case ["stat", _, _, _, _, user, group, _, path] if path == _SELF:
            printed.account = (user, group)
        case ["stat", mode, uid, gid, size, user, group, written, path]:
            printed.stats[path] = (int(mode, 16), uid, gid, int(size), user, group, int(written))
        case ["texts", encoded]:
            printed.texts |= _unpacked(base64.b64decode(encoded))
        case [hashed] if hashed[_HASH_LENGTH:].startswith("  /"):
            printed.hashes[hashed[_HASH_LENGTH + 2 :]] = hashed[:_HASH_LENGTH]
        case _:
            raise TrellisError(f"unexpected answer while looking at files: {line[:80]!r}", where=f"host {host}")


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of a tar archive by absolute path; tar takes the first slash off, and names a second link's first."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        for member in opened:
            content = opened.extractfile(member) if member.isfile() else None
            first = found.get(_absolute(member.linkname)) if member.islnk() else None
            if content is not None or first is not None:
                found[_absolute(member.name)] = content.read() if content is not None else first or b""
    return found


def _absolute(name: str) -> str:
    return f"/{name.lstrip('/')}"


def _actuals(printed: _Printed, host: str, scope: Scope) -> Iterator[Actual]:
    for path in sorted(printed.entries.keys() | printed.stats.keys()):
        entry = printed.entries.get(path)
        state = _state(path, printed, scope)
        key = ResourceKey("file", path, host)
        if entry is None:
            yield Actual(key, state=freeze_mapping(state))
        else:
            state["unfinished"] = entry.unfinished
            yield Actual(key, entry.spec, freeze_mapping(state), entry.owner)


def _state(path: str, printed: _Printed, scope: Scope) -> dict[str, object]:
    state: dict[str, object] = {
        "account": printed.account,
        "backup": backup_path(scope.folder, path),
        "backed_up": path in printed.backups,
        "for_boot": path in printed.for_boot,
    }
    if path not in printed.stats:
        return state | {"type": "nothing"}
    mode, uid, gid, size, user, group, written = printed.stats[path]
    state |= {"type": _type(mode), "mode": stat.S_IMODE(mode), "user": (user, uid), "group": (group, gid), "size": size}
    state["written"] = written
    if path in printed.hashes:
        state |= _content(path, printed, scope.salt)
    return state


def _content(path: str, printed: _Printed, salt: bytes) -> dict[str, object]:
    """The mark of a file's content and, unless it is a secret, its text."""
    entry = printed.entries.get(path)
    # The hash of a short secret would give it away, and what was found may be saved with a plan.
    if entry is not None and str(entry.spec["content"]).startswith(FINGERPRINT):
        return {"content": mark_of(printed.hashes[path], salt)}
    text = as_text(printed.texts[path]) if path in printed.texts else None
    return {"content": mark_of(printed.hashes[path], None), "text": text}


def _type(mode: int) -> str:
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return names.get(stat.S_IFMT(mode), "other")
