"""What each run brought its environment to, so that one can go back there: the program's files and the config."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from trellis.state.database import faults, place
from trellis.state.records import refuse_secrets
from trellis.state.schema import APPLIED, BLOBS, PROGRAMS, RUNS


@dataclass(frozen=True, slots=True)
class KeptProgram:
    """What a run applied.

    Attributes:
        run: its number.
        blueprint_digest: of what the program declared.
        config: the environment's values at that time, as its file gave them; secrets are never among them.
        tree: the program's content in git; empty for a project without git.
        files: the program's files by path, for one without git; empty when they were too much to keep.
    """

    run: int
    blueprint_digest: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tree: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


class ProgramTable:
    """The programs in the database; each content is there once, however many runs had it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._where = place(engine.url)

    def keep(self, program: KeptProgram) -> None:
        """Record what a run applied; once a run.

        Raises:
            TypeError: a `Secret` is in it.
        """
        refuse_secrets(program.config, "the config")
        digests = {name: sha256(content).hexdigest() for name, content in program.files.items()}
        with faults(self._where), self._engine.begin() as connection:
            _keep_blobs(connection, {digests[name]: content for name, content in program.files.items()})
            values = {"config": dict(program.config), "tree": program.tree, "files": digests}
            connection.execute(insert(PROGRAMS).values(run=program.run, **values))

    def runs(self, environment: str) -> tuple[tuple[int, str], ...]:
        """(run, the blueprint's digest) of all that one can go back to, newest first."""
        query = (
            select(PROGRAMS.c.run, RUNS.c.blueprint_digest)
            .join(RUNS, RUNS.c.number == PROGRAMS.c.run)
            .join(APPLIED, APPLIED.c.run == PROGRAMS.c.run)
            .where(RUNS.c.environment == environment)
            .order_by(PROGRAMS.c.run.desc())
        )
        with faults(self._where), self._engine.connect() as connection:
            return tuple((int(row.run), str(row.blueprint_digest)) for row in connection.execute(query))

    def find(self, run: int) -> KeptProgram | None:
        """What a run applied; None when it is not kept."""
        query = select(PROGRAMS, RUNS.c.blueprint_digest).join(RUNS, RUNS.c.number == PROGRAMS.c.run)
        with faults(self._where), self._engine.connect() as connection:
            row = connection.execute(query.where(PROGRAMS.c.run == run)).one_or_none()
            if row is None:
                return None
            files = {name: _blob(connection, digest) for name, digest in row.files.items()}
        return KeptProgram(run, row.blueprint_digest, row.config, row.tree, files)


def _keep_blobs(connection: Connection, contents: Mapping[str, bytes]) -> None:
    known = set(connection.scalars(select(BLOBS.c.sha256)))
    new = [{"sha256": digest, "data": zlib.compress(data)} for digest, data in contents.items() if digest not in known]
    if new:
        connection.execute(insert(BLOBS), new)


def _blob(connection: Connection, digest: str) -> bytes:
    return zlib.decompress(connection.scalars(select(BLOBS.c.data).where(BLOBS.c.sha256 == digest)).one())
