"""What is to be done about a folder, and why; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from trellis.errors import UsageError
from trellis.plans import Change, Decision, Verb
from trellis.resources import Actual, Resource
from trellis_files.folders.model import DesiredFolder, FoundFolder

_SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Differences:
    """Files by what is to be done about them, each sorted.

    Attributes:
        written: missing ones, and those with other content or another mode.
        removed: those that are too many.
        given: those that belong to somebody else.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    given: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.written or self.removed or self.given)


def differences(folder: DesiredFolder, found: FoundFolder | None, root: str) -> Differences:
    """How a folder is not as it should be.

    Args:
        folder: how it should be.
        found: how it is; None when it is not there.
        root: whose files are that name no owner: root's, or nobody's in particular when it is empty.
    """
    there = found.listing if found else {}
    written = tuple(sorted(name for name, entry in folder.listing.items() if there.get(name) != entry))
    removed = tuple(sorted(there.keys() - folder.listing.keys()))
    users, groups = folder.owner or root, folder.group or root
    given = tuple(
        name
        for name, (user, uid, group, gid) in sorted((found.owners if found else {}).items())
        if (users and users not in (user, uid)) or (groups and groups not in (group, gid))
    )
    return Differences(written, removed, tuple(name for name in given if name in folder.listing))


def decide(desired: Resource | None, actual: Actual | None) -> Decision:
    """What is to be done about one folder.

    Raises:
        UsageError: there is something else where the folder should be.
    """
    if desired is None:
        assert actual is not None  # noqa: S101 - the contract: at least one side is given
        what = "what was there before Trellis is put back" if actual.state.get("backed_up") else "no longer declared"
        return Decision(Verb.REMOVE, what) if actual.spec else Decision(Verb.KEEP, "not written by Trellis")
    folder = DesiredFolder.of(desired)
    if actual is None:
        return Decision(Verb.CREATE, f"new folder with {_files(len(folder.listing))}")
    found = FoundFolder.of(actual)
    if found.type == "nothing":
        by_hand = found.managed and not found.unfinished
        return Decision(Verb.CREATE, "removed by hand, restored" if by_hand else "new folder", drift=by_hand)
    if found.type != "folder":
        raise UsageError(
            f"there is something at {folder.path} that is no folder, and Trellis does not touch it",
            where=str(desired.key),
            hint=f"move {folder.path} away on that host, or declare the folder at another path",
        )
    return _decide_present(folder, found, str(actual.state.get("root", "")))


def _decide_present(folder: DesiredFolder, found: FoundFolder, root: str) -> Decision:
    needed = differences(folder, found, root)
    if not needed:
        return Decision(Verb.UPDATE, "an earlier run did not finish") if found.unfinished else _EQUAL
    if not found.managed:
        reason = "was there before Trellis; it is kept and put back on removal"
        return Decision(Verb.UPDATE, reason, _changes(folder, found))
    by_hand = not found.unfinished and _touched(needed, found)
    restored = "changed by hand, restored: " if by_hand else ""
    told = f"; {folder.tell}" if folder.tell else ""
    reason = f"{restored}{', '.join(_sentences(needed))}{told}"
    return Decision(Verb.UPDATE, reason, _changes(folder, found), drift=by_hand)


_EQUAL = Decision(Verb.KEEP, "already equal")


def _touched(needed: Differences, found: FoundFolder) -> bool:
    """Whether anything that is to be done is so because somebody else was at it."""
    names = (*needed.written, *needed.removed)
    return bool(needed.given) or any(found.listing.get(name) != found.last.get(name) for name in names)


def _sentences(needed: Differences) -> Iterator[str]:
    if needed.written:
        yield f"{_named(needed.written)} {'differs' if len(needed.written) == 1 else 'differ'}"
    if needed.removed:
        yield f"{_named(needed.removed)} {'is' if len(needed.removed) == 1 else 'are'} too many"
    if needed.given:
        yield f"{_named(needed.given)} {'belongs' if len(needed.given) == 1 else 'belong'} to somebody else"


def _named(names: tuple[str, ...]) -> str:
    return " and ".join(names) if len(names) <= 2 else _files(len(names))


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _changes(folder: DesiredFolder, found: FoundFolder) -> tuple[Change, ...]:
    names = sorted(folder.listing.keys() | found.listing.keys())
    pairs = [(name, found.listing.get(name), folder.listing.get(name)) for name in names]
    return tuple(Change(name, _shown(before), _shown(after)) for name, before, after in pairs if before != after)


def _shown(entry: tuple[str, int] | None) -> str | None:
    return None if entry is None else f"SHA-256 {entry[0][:_SHOWN_DIGITS] or '-'}, mode {entry[1]:04o}"
