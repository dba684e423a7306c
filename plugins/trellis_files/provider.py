"""Keeps files on hosts: observes them in one round trip, and writes each one atomically."""

from collections.abc import Iterator, Mapping, Sequence

from trellis.deployment import MEMORY, MEMORY_OF_ROOT
from trellis.errors import TrellisError
from trellis.hosts import HostSession
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource
from trellis_files.at_boot import HOOK_PATH, has_copy, keep_copy, keep_no_copy, only_for_boot
from trellis_files.deciding import decide, drift, removal_leaves
from trellis_files.facts import keeps_folders, parse, unexpected
from trellis_files.folders.deciding import decide as decide_folder
from trellis_files.folders.keeping import apply_folder, observe_folders
from trellis_files.folders.model import KIND as FOLDER
from trellis_files.model import TEXT_LIMIT, DesiredFile, FoundFile, checked_path
from trellis_files.running import check, script
from trellis_files.store import entry_of, identity, store_folder
from trellis_files.telling import tell

KIND = "file"
# A connector may send all arguments as one, and Linux takes 128 KiB for one (MAX_ARG_STRLEN).
_MOST_ARGUMENT_BYTES = 64 * 1024
_LEAST_BYTES_PER_SECOND = 512 * 1024


class FileProvider:
    """Provider of `file` and `folder` resources.

    A file's spec: `path` (absolute), `kind` (``static``, ``initial``, ``dynamic``), `content` (base64, or a `Secret`
    that is the text itself), `mode` (default 0o644), `owner` and `group` (empty: root); and where they apply
    `in_memory`, `at_boot` (of one in memory: the host puts it back by itself), `keep_mode` (of an initial file), `tell`
    (`container` and `signal`: who is told of a change).

    A folder's spec: `path`, `files` (relative path to `content` and `mode`), `owner`, `group`, `tell`.
    """

    kinds: Mapping[str, int] = {KIND: 40, FOLDER: 40}

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        """The files and folders that Trellis wrote, and what is at the paths where it is about to write.

        Raises:
            TrellisError: a path could not be looked at.
        """
        paths = [checked_path(key.name, str(key)) for key in scope.expected if key.kind == KIND]
        folders = [checked_path(key.name, str(key)) for key in scope.expected if key.kind == FOLDER]
        found: dict[str, Actual] = {}
        has_folders = False
        for some in _batches(paths):
            arguments = [store_folder(scope.folder), str(TEXT_LIMIT), HOOK_PATH, *some]
            completed = await session.run(script("observe", arguments), sudo=scope.as_root)
            problem = unexpected(completed.stderr)
            if completed.status != 0 or problem:
                raise TrellisError(
                    f"files could not be looked at: {problem or completed.stderr.strip()}",
                    where=f"host {session.host.name}",
                    hint="Trellis reads files as root: give its account sudo rights there",
                )
            found |= {actual.key.name: actual for actual in parse(completed.stdout, session.host.name, scope)}
            has_folders = has_folders or keeps_folders(completed.stdout)
        files = tuple(found[path] for path in sorted(found))
        return (*files, *await observe_folders(session, scope, folders)) if folders or has_folders else files

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        """What is to be done about one file or folder; pure."""
        if FOLDER in (side.key.kind for side in (desired, actual) if side):
            return decide_folder(desired, actual)
        return decide(desired, actual, salt)

    def drift(self, actual: Actual) -> str:
        """What somebody else changed; see `trellis.plugin.contracts.TellsDrift`."""
        return drift(actual)

    async def apply(self, step: Step, applying: Applying) -> None:
        """Write the file or folder, or take it away.

        Raises:
            ApplyError: it could not be done; what was at the path is as it was.
        """
        if step.key.kind == FOLDER:
            await apply_folder(step, applying)
        elif step.verb is Verb.REMOVE:
            await _remove(step, applying)
        elif step.verb is Verb.UPDATE and step.resource is not None and step.resource.spec["kind"] == "initial":
            await _set_attributes(step, applying)
        elif step.verb is Verb.UPDATE and only_for_boot(step):
            await _keep_or_not(step, applying)
        elif step.verb is not Verb.KEEP:
            await _write(step, applying)


async def _write(step: Step, applying: Applying) -> None:
    assert step.resource is not None  # noqa: S101 - a step that writes has a resource
    scope, file = applying.scope, DesiredFile.of(step.resource)
    intent, entry = (entry_of(step.resource, scope.salt, unfinished=unfinished) for unfinished in (True, False))
    more = bool(file.tell or file.at_boot)
    # A run that is killed before all of it is done leaves the intent, and the next one does everything again.
    await _put(step, applying, file, (intent.to_json(), intent.to_json() if more else entry.to_json()))
    if file.at_boot:
        mode, ownership = f"{file.mode:04o}", _ownership(file, as_root=scope.as_root)
        await keep_copy(step, applying, mode, ownership, _memory(file))
    elif has_copy(step):
        await keep_no_copy(step, applying)
    if file.tell:
        await tell(file.tell, applying)
    if more:
        await _finish(step, applying, entry.to_json())


async def _put(step: Step, applying: Applying, file: DesiredFile, entries: tuple[str, str]) -> None:
    """The file itself, with its entry before and afterwards."""
    scope = applying.scope
    arguments = [
        *_place(step, scope),
        str(len(file.content)),
        f"{file.mode:04o}",
        _ownership(file, as_root=scope.as_root),
        *entries,
        _memory(file),
    ]
    completed = await applying.session.run(
        script("write", arguments),
        stdin=file.content,
        sudo=scope.as_root,
        timeout=60 + len(file.content) / _LEAST_BYTES_PER_SECOND,
    )
    check(completed, step, "could not be written")


async def _finish(step: Step, applying: Applying, entry: str) -> None:
    _, store, name, path = _place(step, applying.scope)
    finish = script("finish", [store, name, path, entry])
    check(await applying.session.run(finish, sudo=applying.scope.as_root), step, "was written, but not noted")


async def _keep_or_not(step: Step, applying: Applying) -> None:
    """The file is right, and only what the host keeps for its boot is not: who uses the file does not notice."""
    assert step.resource is not None  # noqa: S101 - an update has a resource
    scope, file = applying.scope, DesiredFile.of(step.resource)
    if file.at_boot:
        mode, ownership = f"{file.mode:04o}", _ownership(file, as_root=scope.as_root)
        await keep_copy(step, applying, mode, ownership, _memory(file))
    else:
        await keep_no_copy(step, applying)
    await _finish(step, applying, entry_of(step.resource, scope.salt, unfinished=False).to_json())


async def _set_attributes(step: Step, applying: Applying) -> None:
    assert step.resource is not None  # noqa: S101 - an update has a resource
    file, as_root = DesiredFile.of(step.resource), applying.scope.as_root
    setting = script("attributes", [file.path, f"{file.mode:04o}", _ownership(file, as_root=as_root)])
    check(await applying.session.run(setting, sudo=as_root), step, "did not get its mode and owner")


def _memory(file: DesiredFile) -> str:
    """The folder above a file that may be mounted in memory, ``-`` when there is none; empty for a file on the disk."""
    if not file.in_memory:
        return ""
    if file.path.startswith(f"{MEMORY_OF_ROOT}/"):
        return MEMORY_OF_ROOT
    return "/".join(file.path.split("/")[:4]) if file.path.startswith(f"{MEMORY}-") else "-"


async def _remove(step: Step, applying: Applying) -> None:
    assert step.actual is not None  # noqa: S101 - a removal has found something
    if has_copy(step):
        await keep_no_copy(step, applying)
    action = "leave" if removal_leaves(FoundFile.of(step.actual)) else "delete"
    remove = script("remove", [*_place(step, applying.scope), action])
    completed = await applying.session.run(remove, sudo=applying.scope.as_root)
    check(completed, step, "could not be removed")


def _place(step: Step, scope: Scope) -> tuple[str, str, str, str]:
    path = step.key.name
    return scope.data_dir, store_folder(scope.folder), identity(path), path


def _ownership(file: DesiredFile, *, as_root: bool) -> str:
    """``user:group`` for chown; ``:`` alone leaves the file to the account."""
    default = "root" if as_root else ""
    return f"{file.owner or default}:{file.group or default}"


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    """The paths in batches that fit into one command; an empty one when there are none."""
    batch: list[str] = []
    length = 0
    for path in paths:
        length += len(path.encode()) + 4
        if length > _MOST_ARGUMENT_BYTES:
            yield batch
            batch, length = [], len(path.encode())
        batch.append(path)
    yield batch
