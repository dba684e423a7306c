"""A proxy's files on its host: read, staged, swapped by rename."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trellis.errors import ApplyError, TrellisError
from trellis.hosts import HostSession
from trellis.plugin.contracts import Applying, Scope
from trellis_haproxy.facts import Printed, parse
from trellis_haproxy.record import Record, text_digest

_SCRIPTS = Path(__file__).parent / "scripts"


async def read(session: HostSession, scope: Scope) -> tuple[Printed, ...]:
    """The proxies that Trellis wrote configurations for.

    Raises:
        TrellisError: the folder could not be read.
    """
    host = session.host.name
    completed = await session.run(_script("observe", scope.folder), sudo=scope.as_root)
    if completed.status != 0:
        raise TrellisError(
            f"HAProxy's configuration could not be looked at: {completed.stderr.strip()}",
            where=f"host {host}",
            hint="Trellis reads it as root: give its account sudo rights there",
        )
    return tuple(parse(completed.stdout, host))


class Files:
    """One proxy's folder.

    Args:
        applying: the way to its host.
        folder: on the host.
        where: for errors.
    """

    def __init__(self, applying: Applying, folder: str, where: str) -> None:
        self._applying = applying
        self._folder = folder
        self._where = where

    async def existing(self, path: str) -> str:
        """The operator's own configuration.

        Raises:
            ApplyError: it cannot be read.
        """
        completed = await self._applying.session.run(("cat", "--", path), sudo=self._applying.scope.as_root)
        if completed.status != 0:
            raise ApplyError(
                f"the operator's own configuration {path} cannot be read: {completed.stderr.strip()}",
                where=self._where,
                hint="what ran before still runs; put the file there, or take the setting existing away",
            )
        return completed.stdout

    async def stage(self, text: str, record: Record, existing: str = "") -> None:
        """Put a configuration beside the one in use; what a killed run leaves is known by the record."""
        script = _script("stage", self._folder, str(len(text.encode())), record.to_json(), existing)
        await self._run(script, "could not be written", text.encode())

    async def swap(self, action: str, record: Record | None = None) -> None:
        """Use what is staged, finish, go back or drop: see the script."""
        words = [self._folder, action, *([record.to_json()] if record else [])]
        await self._run(_script("swap", *words), "could not be taken into use")

    async def write(self, text: str, before: Record) -> None:
        """Another text of the same structure, in one go."""
        written = text_digest(text)
        existing = str(before.spec.get("existing") or "")
        await self.stage(text, replace(before, written=tuple(dict.fromkeys((*before.written, written)))), existing)
        await self.swap("use")
        await self.swap("finish", replace(before, written=(written,)))

    async def remove(self, data_dir: str) -> None:
        """Take the folder away, and those above it that are empty then."""
        completed = await self._applying.session.run(
            _script("remove", data_dir, self._folder), sudo=self._applying.scope.as_root
        )
        if completed.status != 0:
            raise ApplyError(f"the folder could not be removed: {completed.stderr.strip()}", where=self._where)

    async def _run(self, script: Sequence[str], what: str, stdin: bytes = b"") -> None:
        completed = await self._applying.session.run(script, stdin=stdin, sudo=self._applying.scope.as_root)
        if completed.status != 0:
            reason = completed.stderr.strip() or f"status {completed.status}"
            raise ApplyError(f"the configuration {what}: {reason}", where=self._where)


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    text = (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")
    return ("sh", "-c", text, f"trellis-haproxy-{name}", *arguments)
