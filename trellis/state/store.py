"""The state: the journal of runs and steps, their history, what was last applied, and the lock."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Engine, Row, bindparam, delete, func, insert, select, update

from trellis.state.database import faults, open_database, place, state_url
from trellis.state.journal import JournalTable
from trellis.state.lease import Clock, Lease, LeaseTable, LockStatus, acquire
from trellis.state.processes import Holder, this_process
from trellis.state.programs import ProgramTable
from trellis.state.records import (
    Applied,
    Made,
    Run,
    RunOutcome,
    RunRecord,
    StepEvent,
    StepRecord,
    refuse_secrets,
    settled,
)
from trellis.state.scans import ScanTable
from trellis.state.schema import APPLIED, MADE, RUNS, STEPS
from trellis.state.steps import made_columns, write_steps


def open_store(url: str, *, clock: Clock | None = None) -> "Store":
    """The state behind a URL; it is created on first use.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql://…``; see `state_url` for a project's.
        clock: the time, for tests.

    Raises:
        ConfigError: the URL is at fault.
        StateError: the database cannot be opened, is corrupted, or belongs to a newer Trellis.
    """
    return Store(open_database(url), clock)


class Store:
    """An open state. Every method raises `StateError` when the database fails; every write is durable on return.

    Attributes:
        programs: what each run applied, to go back to.
        journal: whole histories, to travel.
        scans: what the last scan of each host found.
    """

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._now: Clock = clock or (lambda: datetime.now(UTC))
        self._where = place(engine.url)
        self._leases = LeaseTable(engine, clock)
        self.programs = ProgramTable(engine)
        self.journal = JournalTable(engine)
        self.scans = ScanTable(engine)

    def close(self) -> None:
        """End the connections; may be called twice."""
        self._engine.dispose()

    def lease(
        self,
        environment: str,
        holder: Holder,
        *,
        ttl: float = 30.0,
        wait: float = 0.0,
        on_wait: Callable[[LockStatus], None] | None = None,
    ) -> Lease:
        """Take the environment's lock; use it in a `with` statement, and call its `check` before each step.

        See `trellis.state.lease.acquire`.

        Raises:
            LockedError: someone else holds it.
        """
        refuse_secrets((environment, holder.who, holder.command), "the lock's holder")
        return acquire(self._leases, environment, holder, ttl=ttl, wait=wait, on_wait=on_wait)

    def lock_status(self, environment: str) -> LockStatus | None:
        """Who holds an environment's lock; None when nobody does."""
        return self._leases.status(environment)

    def locks(self) -> tuple[LockStatus, ...]:
        """All locks, by environment."""
        return self._leases.all()

    def break_lock(self, environment: str) -> LockStatus | None:
        """Take the lock from its holder, who stops before its next step; the lock as it was, None without one."""
        return self._leases.break_(environment)

    def begin(self, run: RunRecord) -> int:
        """Record that a run begins; its number.

        Call it while holding the environment's lock: an earlier run that still says "running" is then over, and
        is marked as interrupted.

        Raises:
            TypeError: a `Secret` is in it.
        """
        refuse_secrets(_columns(run), "the run")
        unfinished = (RUNS.c.environment == run.environment) & (RUNS.c.outcome == "running")
        with faults(self._where), self._engine.begin() as connection:
            connection.execute(update(RUNS).where(unfinished).values(outcome="interrupted"))
            result = connection.execute(insert(RUNS).values(**_columns(run), outcome="running", started=self._now()))
            number = result.inserted_primary_key
        return int(number[0]) if number else 0

    def refused(self, run: RunRecord) -> None:
        """Record that something was refused before it began; no lock is needed, and no run is touched.

        Raises:
            TypeError: a `Secret` is in it.
        """
        refuse_secrets(_columns(run), "the run")
        now = self._now()
        with faults(self._where), self._engine.begin() as connection:
            connection.execute(insert(RUNS).values(**_columns(run), outcome="refused", started=now, finished=now))

    def record_steps(self, run: int, events: Sequence[StepEvent]) -> None:
        """Record what happens to steps, in that order and all of it or nothing.

        A step that starts is recorded before it does anything: what is known of its resource is in doubt from then on,
        and stays so when it fails.

        Raises:
            TypeError: a `Secret` is in it.
            KeyError: a step is to end that is not under way.
        """
        with faults(self._where), self._engine.begin() as connection:
            write_steps(connection, run, events, self._now())

    def step_started(self, run: int, key: str, verb: str, host: str, detail: str = "") -> None:
        """Record one step that starts; see `record_steps`."""
        self.record_steps(run, [StepEvent(key, "started", verb, host, detail)])

    def step_finished(
        self, run: int, key: str, outcome: Literal["done", "failed"], detail: str = "", made: Made | None = None
    ) -> None:
        """Record how a started step ended; see `record_steps`."""
        self.record_steps(run, [StepEvent(key, outcome, detail=detail, made=made)])

    def done_since(self, environment: str, step: str, keys: Sequence[str]) -> frozenset[str]:
        """Which of the keys were done in an environment since the step of another key last ended, done or failed."""
        here = select(RUNS.c.number).where(RUNS.c.environment == environment)
        ended = select(func.max(STEPS.c.number)).where(
            STEPS.c.run.in_(here), STEPS.c.key == step, STEPS.c.state.in_(("done", "failed"))
        )
        with faults(self._where), self._engine.connect() as connection:
            last = connection.scalar(ended) or 0
            later = select(STEPS.c.key).where(
                STEPS.c.run.in_(here), STEPS.c.key.in_(keys), STEPS.c.state == "done", STEPS.c.number > last
            )
            return frozenset(connection.scalars(later))

    def finish(self, run: int, outcome: RunOutcome, summary: str = "") -> None:
        """Record how a run ended; an empty summary keeps the one that it began with."""
        refuse_secrets(summary, "the summary")
        values: dict[str, object] = {"outcome": outcome, "finished": self._now()}
        with faults(self._where), self._engine.begin() as connection:
            connection.execute(
                update(RUNS).where(RUNS.c.number == run).values(values | ({"summary": summary} if summary else {}))
            )

    def record_applied(self, run: int, applied: Applied) -> None:
        """Record what the run brought its environment to; once a run.

        Raises:
            TypeError: a `Secret` is in it.
        """
        values = {
            "blueprint": applied.blueprint,
            "config_digest": applied.config_digest,
            "resources": dict(applied.resources),
        }
        refuse_secrets(values, "what was applied")
        with faults(self._where), self._engine.begin() as connection:
            connection.execute(insert(APPLIED).values(run=run, **values))

    def made(self, environment: str) -> tuple[Made, ...]:
        """What Trellis has made in an environment and not taken away again, by key."""
        rows = select(MADE).where(MADE.c.environment == environment).order_by(MADE.c.key)
        with faults(self._where), self._engine.connect() as connection:
            found = connection.execute(rows).all()
        return tuple(Made(row.key, row.role, row.service, row.instance, row.spec, row.certain) for row in found)

    def settle_made(self, environment: str, made: Sequence[Made], silent: Collection[str]) -> None:
        """Record all that is there after a run that did everything; what is known of silent hosts stays.

        Args:
            environment: its name.
            made: everything on the hosts that answered.
            silent: names of the hosts that did not.
        """
        refuse_secrets([dict(one.spec) for one in made], "what was made")
        with faults(self._where), self._engine.begin() as connection:
            known = connection.scalars(select(MADE.c.key).where(MADE.c.environment == environment)).all()
            over = [{"old": key} for key in known if key.rpartition("@")[2] not in silent]
            if over:
                old = (MADE.c.environment == environment) & (MADE.c.key == bindparam("old"))
                connection.execute(delete(MADE).where(old), over)
            if made:
                connection.execute(insert(MADE), [made_columns(environment, one) for one in made])

    def last_applied(self, environment: str) -> Applied | None:
        """What the environment was last brought to; None when nothing was applied, or its history is lost."""
        newest = (
            select(APPLIED)
            .join(RUNS, RUNS.c.number == APPLIED.c.run)
            .where(RUNS.c.environment == environment)
            .order_by(RUNS.c.number.desc())
            .limit(1)
        )
        with faults(self._where), self._engine.connect() as connection:
            row = connection.execute(newest).one_or_none()
        return Applied(row.blueprint, row.config_digest, row.resources) if row else None

    def was_at_work(self, environment: str, since: datetime) -> bool:
        """Whether any run of the environment began or ended since a moment, or has not said that it ended."""
        last = self.history(environment, limit=1, refused=False)
        return any(run.finished is None or run.finished >= since or run.started >= since for run in last)

    def history(self, environment: str | None = None, limit: int = 20, *, refused: bool = True) -> tuple[Run, ...]:
        """The newest runs, newest first, without their steps; of all environments when none is given.

        Those that were refused before they began can be left out.
        """
        newest = select(RUNS).order_by(RUNS.c.number.desc()).limit(limit)
        if not refused:
            newest = newest.where(RUNS.c.outcome != "refused")
        if environment is not None:
            newest = newest.where(RUNS.c.environment == environment)
        with faults(self._where), self._engine.connect() as connection:
            rows = connection.execute(newest).all()
        return self._settled(rows)

    def run(self, number: int) -> Run | None:
        """One run with its steps, in the order in which they started; None when there is no such run."""
        with faults(self._where), self._engine.connect() as connection:
            rows = connection.execute(select(RUNS).where(RUNS.c.number == number)).all()
            steps = connection.execute(select(STEPS).where(STEPS.c.run == number).order_by(STEPS.c.number)).all()
        runs = self._settled(rows)
        return replace(runs[0], steps=tuple(_step(row) for row in steps)) if runs else None

    def _settled(self, rows: Sequence[Row[*tuple[Any, ...]]]) -> tuple[Run, ...]:
        held = {lock.environment for lock in self.locks() if not lock.dead}
        return tuple(settled(_run(row), locked=row.environment in held) for row in rows)


def _columns(run: RunRecord) -> dict[str, object]:
    return {
        "environment": run.environment,
        "stack": run.stack,
        "command": run.command,
        "operator": run.operator,
        "plan_digest": run.plan_digest,
        "blueprint_digest": run.blueprint_digest,
        "counts": dict(run.counts),
        "summary": run.summary,
        "reason": run.reason,
    }


def _run(row: Row[*tuple[Any, ...]]) -> Run:
    record = RunRecord(
        environment=row.environment,
        stack=row.stack,
        command=row.command,
        operator=row.operator,
        plan_digest=row.plan_digest,
        blueprint_digest=row.blueprint_digest,
        counts=row.counts,
        summary=row.summary,
        reason=row.reason,
    )
    return Run(row.number, record, row.outcome, row.started, row.finished)


def _step(row: Row[*tuple[Any, ...]]) -> StepRecord:
    return StepRecord(row.key, row.verb, row.host, row.state, row.detail, row.started, row.finished)


__all__ = ["Holder", "Store", "open_store", "state_url", "this_process"]
