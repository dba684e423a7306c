"""The whole history of an environment, read and written at once: what a document carries to another project."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select

from trellis.state.database import faults, place
from trellis.state.programs import KeptProgram
from trellis.state.records import Applied, Made, Run, RunRecord, StepRecord, refuse_secrets, settled
from trellis.state.schema import APPLIED, BLOBS, MADE, PROGRAMS, RUNS, STEPS


@dataclass(frozen=True, slots=True)
class Entry:
    """A run with its steps, what it applied, and the program that it applied; None where that was not recorded."""

    run: Run
    applied: Applied | None = None
    program: KeptProgram | None = None

    def numbered(self, number: int) -> "Entry":
        """The same with another number."""
        program = self.program and replace(self.program, run=number)
        return replace(self, run=replace(self.run, number=number), program=program)

    def of(self, environment: str) -> "Entry":
        """The same for an environment of another name."""
        record = replace(self.run.record, environment=environment)
        return replace(self, run=replace(self.run, record=record))


class JournalTable:
    """The history in the database, by environment; hold the environment's lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._where = place(engine.url)

    def read(self, environment: str) -> tuple[Entry, ...]:
        """All runs, oldest first. One that never said that it ended was interrupted, for nobody is at work now."""
        runs = select(RUNS).where(RUNS.c.environment == environment).order_by(RUNS.c.number)
        with faults(self._where), self._engine.connect() as connection:
            return tuple(_entry(connection, row) for row in connection.execute(runs).all())

    def restore(self, environment: str, entries: Sequence[Entry], made: Sequence[Made]) -> int:
        """Put a history in the place of the one that is there, all or nothing.

        Args:
            environment: its name.
            entries: oldest first.
            made: what is to be known of its resources.

        Returns:
            what was added to every run's number; 0 unless another environment has one of the numbers.

        Raises:
            TypeError: a `Secret` is in it.
        """
        refuse_secrets([*map(asdict, entries), *map(asdict, made)], "the history")
        with faults(self._where), self._engine.begin() as connection:
            _remove(connection, environment)
            added = _to_add(connection, [entry.run.number for entry in entries])
            for entry in entries:
                _insert(connection, entry.of(environment).numbered(entry.run.number + added))
            if made:
                connection.execute(insert(MADE), [{"environment": environment, **asdict(one)} for one in made])
        return added


def _entry(connection: Connection, row: Row[*tuple[Any, ...]]) -> Entry:
    steps = connection.execute(select(STEPS).where(STEPS.c.run == row.number).order_by(STEPS.c.number)).all()
    run = Run(row.number, _record(row), row.outcome, row.started, row.finished, tuple(map(_step, steps)))
    applied = connection.execute(select(APPLIED).where(APPLIED.c.run == row.number)).one_or_none()
    program = connection.execute(select(PROGRAMS).where(PROGRAMS.c.run == row.number)).one_or_none()
    return Entry(
        settled(run, locked=False),
        Applied(applied.blueprint, applied.config_digest, applied.resources) if applied else None,
        KeptProgram(
            row.number, row.blueprint_digest, program.config, program.tree, _contents(connection, program.files)
        )
        if program
        else None,
    )


def _record(row: Row[*tuple[Any, ...]]) -> RunRecord:
    return RunRecord(
        row.environment, row.stack, row.command, row.operator, row.plan_digest, row.blueprint_digest,
        row.counts, row.summary, row.reason,
    )  # fmt: skip


def _step(row: Row[*tuple[Any, ...]]) -> StepRecord:
    return StepRecord(row.key, row.verb, row.host, row.state, row.detail, row.started, row.finished)


def _contents(connection: Connection, digests: Mapping[str, str]) -> dict[str, bytes]:
    found = connection.execute(select(BLOBS).where(BLOBS.c.sha256.in_(set(digests.values())))).all()
    data = {row.sha256: zlib.decompress(row.data) for row in found}
    return {name: data[digest] for name, digest in digests.items()}


def _remove(connection: Connection, environment: str) -> None:
    """Everything of an environment; contents of files stay, because others may have the same."""
    runs = select(RUNS.c.number).where(RUNS.c.environment == environment).scalar_subquery()
    for table in (STEPS, APPLIED, PROGRAMS):
        connection.execute(delete(table).where(table.c.run.in_(runs)))
    connection.execute(delete(RUNS).where(RUNS.c.environment == environment))
    connection.execute(delete(MADE).where(MADE.c.environment == environment))


def _to_add(connection: Connection, numbers: Sequence[int]) -> int:
    taken = set(connection.scalars(select(RUNS.c.number)))
    if not taken.intersection(numbers):
        return 0
    return int(connection.scalar(select(func.max(RUNS.c.number))) or 0)


def _insert(connection: Connection, entry: Entry) -> None:
    run = entry.run
    times = {"started": run.started, "finished": run.finished}
    record = {**asdict(run.record), "counts": dict(run.record.counts)}
    connection.execute(insert(RUNS).values(number=run.number, **record, outcome=run.outcome, **times))
    if run.steps:
        connection.execute(insert(STEPS), [{"run": run.number, **asdict(step)} for step in run.steps])
    if entry.applied:
        connection.execute(insert(APPLIED).values(run=run.number, **asdict(entry.applied)))
    if entry.program:
        _insert_program(connection, entry.program)


def _insert_program(connection: Connection, program: KeptProgram) -> None:
    digests = {name: sha256(content).hexdigest() for name, content in program.files.items()}
    for name, digest in digests.items():
        if connection.scalar(select(BLOBS.c.sha256).where(BLOBS.c.sha256 == digest)) is None:
            connection.execute(insert(BLOBS).values(sha256=digest, data=zlib.compress(program.files[name])))
    values = {"config": dict(program.config), "tree": program.tree, "files": digests}
    connection.execute(insert(PROGRAMS).values(run=program.run, **values))
