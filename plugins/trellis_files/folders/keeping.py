"""Looks at folders on a host, and makes them equal to what the stack has: one round trip each."""

import io
import tarfile
from collections.abc import Iterable, Sequence

from trellis.errors import TrellisError
from trellis.hosts import HostSession
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual
from trellis_files.folders.deciding import differences
from trellis_files.folders.facts import parse_folders
from trellis_files.folders.model import DesiredFolder, FoundFolder, entry_line
from trellis_files.running import check, script
from trellis_files.store import identity
from trellis_files.telling import tell

_LEAST_BYTES_PER_SECOND = 512 * 1024


def store_folder(scope: Scope) -> str:
    """Where the entries of folders are."""
    return f"{scope.folder}/folders"


async def observe_folders(session: HostSession, scope: Scope, paths: Sequence[str]) -> Sequence[Actual]:
    """The folders that Trellis keeps, and what is at the paths given.

    Raises:
        TrellisError: one could not be looked at.
    """
    completed = await session.run(script("observe-folders", [store_folder(scope), *paths]), sudo=scope.as_root)
    if completed.status != 0:
        raise TrellisError(
            f"folders could not be looked at: {completed.stderr.strip()}",
            where=f"host {session.host.name}",
            hint="Trellis reads them as root: give its account sudo rights there",
        )
    return parse_folders(completed.stdout, session.host.name, _default_owner(scope))


async def apply_folder(step: Step, applying: Applying) -> None:
    """Make it equal, or take it away.

    Raises:
        ApplyError: it could not be done; the next run does the rest.
    """
    if step.verb is Verb.REMOVE:
        await _remove(step, applying)
    elif step.verb is not Verb.KEEP:
        await _write(step, applying)


async def _write(step: Step, applying: Applying) -> None:
    assert step.resource is not None  # noqa: S101 - a step that writes has a resource
    scope, folder = applying.scope, DesiredFolder.of(step.resource)
    default = _default_owner(scope)
    intent, entry = (entry_line(folder, step.resource.owner, unfinished=unfinished) for unfinished in (True, False))
    archive = _archive(folder, FoundFolder.of(step.actual) if step.actual else None, default)
    owner = f"{folder.owner or default}:{folder.group or default}"
    arguments = [*_place(step, scope), owner, intent, intent if folder.tell else entry]
    completed = await applying.session.run(
        script("write-folder", arguments),
        stdin=archive,
        sudo=scope.as_root,
        timeout=60 + len(archive) / _LEAST_BYTES_PER_SECOND,
    )
    check(completed, step, "could not be written")
    if folder.tell:
        await tell(folder.tell, applying)
        _, store, name, path = _place(step, scope)
        finished = await applying.session.run(script("finish", [store, name, path, entry]), sudo=scope.as_root)
        check(finished, step, "was written, but not noted")


def _archive(folder: DesiredFolder, found: FoundFolder | None, default: str) -> bytes:
    """What differs, as a tar archive: files, names to remove, and last a mark that everything has arrived."""
    needed = differences(folder, found, default)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, "files", None, 0o755)
        for name in needed.written:
            _add(archive, f"files/{name}", folder.contents[name], folder.listing[name][1])
        _add(archive, "remove", _zero_ended(needed.removed), 0o600)
        _add(archive, "complete", b"", 0o600)
    return packed.getvalue()


def _zero_ended(names: Iterable[str]) -> bytes:
    return b"".join(name.encode() + b"\0" for name in names)


def _add(archive: tarfile.TarFile, name: str, content: bytes | None, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.mode = mode
    if content is None:
        member.type = tarfile.DIRTYPE
    else:
        member.size = len(content)
    archive.addfile(member, io.BytesIO(content) if content is not None else None)


async def _remove(step: Step, applying: Applying) -> None:
    assert step.actual is not None  # noqa: S101 - a removal has found something
    names = _zero_ended(FoundFolder.of(step.actual).last)
    remove = script("remove-folder", _place(step, applying.scope))
    completed = await applying.session.run(remove, stdin=names, sudo=applying.scope.as_root)
    check(completed, step, "could not be removed")


def _place(step: Step, scope: Scope) -> tuple[str, str, str, str]:
    path = step.key.name
    return scope.data_dir, store_folder(scope), identity(path), path


def _default_owner(scope: Scope) -> str:
    return "root" if scope.as_root else ""
