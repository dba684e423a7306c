"""The lease lock: one writer per environment; a dead holder's lease expires, and who lost it finds out."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from trellis.errors import LeaseLostError, LockedError, StateError
from trellis.state.database import faults, place
from trellis.state.processes import Holder, is_gone
from trellis.state.schema import LEASES

Clock = Callable[[], datetime]
"""The time now, with its zone."""

POLL = 0.2  # seconds between two tries of a waiting acquisition


@dataclass(frozen=True, slots=True)
class LockStatus:
    """A held lock; times are UTC. `expired` and `gone` locks are taken over by whoever asks next.

    Attributes:
        environment: what is locked.
        holder: by whom.
        acquired: since when.
        heartbeat: when the holder last said that it lives.
        expires: when it counts as dead unless it says so again.
        expired: that moment has passed.
        gone: the holder ran on this machine and has ended for certain.
    """

    environment: str
    holder: Holder
    acquired: datetime
    heartbeat: datetime
    expires: datetime
    expired: bool
    gone: bool

    def __str__(self) -> str:
        """``prod is locked by ann@desk (pid 4711, trellis up) since 2026-11-23 03:43:38 UTC``."""
        return f"{self.environment} is locked by {self.holder} since {moment(self.acquired)}"

    @property
    def dead(self) -> bool:
        """Nobody needs to wait for it."""
        return self.expired or self.gone


@dataclass(frozen=True, slots=True)
class _Claim:
    token: str
    holder: Holder
    ttl: float

    def values(self, now: datetime) -> dict[str, object]:
        """The row's columns for a lease that begins now."""
        return {
            "token": self.token,
            "who": self.holder.who,
            "pid": self.holder.pid,
            "command": self.holder.command,
            "identity": self.holder.identity,
            "acquired": now,
            "heartbeat": now,
            "expires": now + timedelta(seconds=self.ttl),
        }


class LeaseTable:
    """The leases in the database. Each change is one statement, so it holds or does not, whoever else tries.

    Without a clock of its own the time is the database server's, so that controllers whose clocks differ agree;
    SQLite has no server, and its users share a machine and its clock.
    """

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._where = place(engine.url)

    def take(self, environment: str, holder: Holder, ttl: float) -> str | LockStatus:
        """The token of a new lease, or the living lock that stands in the way."""
        token = secrets.token_hex(16)
        claim = _Claim(token, holder, ttl)
        while True:
            with faults(self._where):
                if self._insert(environment, claim):
                    return token
                standing = self._find(environment)
                if standing is None:  # released between the two statements
                    continue
                if not standing[0].dead:
                    return standing[0]
                if self._take_over(*standing, claim):
                    return token

    def renew(self, environment: str, token: str, ttl: float) -> bool:
        """Say that the holder lives; False when the lease is no longer its own."""
        with faults(self._where), self._engine.begin() as connection:
            now = self._now(connection)
            changed = connection.execute(
                update(LEASES)
                .where(_is(environment, token))
                .values(heartbeat=now, expires=now + timedelta(seconds=ttl))
            )
        return changed.rowcount == 1

    def holds(self, environment: str, token: str) -> bool:
        """Whether that lease is still the one that counts."""
        with faults(self._where), self._engine.connect() as connection:
            return connection.scalar(select(LEASES.c.token).where(_is(environment, token))) is not None

    def release(self, environment: str, token: str) -> None:
        """Give the lease back, when it is still that one."""
        with faults(self._where), self._engine.begin() as connection:
            connection.execute(delete(LEASES).where(_is(environment, token)))

    def status(self, environment: str) -> LockStatus | None:
        """Who holds the environment's lock; None when nobody does."""
        with faults(self._where):
            standing = self._find(environment)
        return standing[0] if standing else None

    def all(self) -> tuple[LockStatus, ...]:
        """All locks, by environment."""
        with faults(self._where), self._engine.connect() as connection:
            now = self._now(connection)
            rows = connection.execute(select(LEASES).order_by(LEASES.c.environment)).all()
        return tuple(_status(row, now) for row in rows)

    def break_(self, environment: str) -> LockStatus | None:
        """Take the lock from whoever holds it; its holder stops before its next step. None when nobody did."""
        with faults(self._where):
            standing = self._find(environment)
            if standing is None:
                return None
            with self._engine.begin() as connection:
                connection.execute(delete(LEASES).where(_is(environment, standing[1])))
        return standing[0]

    def _now(self, connection: Connection) -> datetime:
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name == "sqlite":
            return datetime.now(UTC)
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now

    def _insert(self, environment: str, claim: _Claim) -> bool:
        try:
            with self._engine.begin() as connection:
                values = claim.values(self._now(connection))
                connection.execute(insert(LEASES).values(environment=environment, **values))
        except IntegrityError:  # there is one already
            return False
        return True

    def _take_over(self, dead: LockStatus, token: str, claim: _Claim) -> bool:
        """Put the new lease in the dead one's place; False when someone was faster, or the dead one stirred."""
        unchanged = _is(dead.environment, token) & (LEASES.c.heartbeat == dead.heartbeat)
        with self._engine.begin() as connection:
            changed = connection.execute(update(LEASES).where(unchanged).values(**claim.values(self._now(connection))))
        return changed.rowcount == 1

    def _find(self, environment: str) -> tuple[LockStatus, str] | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(LEASES).where(LEASES.c.environment == environment)).one_or_none()
            return (_status(row, self._now(connection)), row.token) if row else None


class Lease:
    """One writer's hold on an environment, kept alive by a thread until it is released. A context manager."""

    def __init__(self, table: LeaseTable, environment: str, token: str, ttl: float) -> None:
        self.environment = environment
        self._table = table
        self._token = token
        self._ttl = ttl
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {environment}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure, before a step, that this run is still the only one that may change the environment.

        Raises:
            LeaseLostError: the lease expired and was taken over, or someone broke it.
            StateError: the database does not answer, so nobody can tell.
        """
        if not self._table.holds(self.environment, self._token):
            self._ended.set()
            raise _lost(self.environment, self._table.status(self.environment))

    def release(self) -> None:
        """Give it back; may be called twice. A database that is gone is no reason to fail: the lease expires."""
        if self._ended.is_set() and not self._thread.is_alive():
            return
        self._ended.set()
        self._thread.join()
        with suppress(StateError):
            self._table.release(self.environment, self._token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _keep(self) -> None:
        while not self._ended.wait(self._ttl / 3):
            with suppress(StateError):  # a passing fault is tried again; a lasting one is met by `check`
                if not self._table.renew(self.environment, self._token, self._ttl):
                    return


def acquire(
    table: LeaseTable,
    environment: str,
    holder: Holder,
    *,
    ttl: float = 30.0,
    wait: float = 0.0,
    on_wait: Callable[[LockStatus], None] | None = None,
) -> Lease:
    """Take the environment's lease.

    Args:
        table: where leases are.
        environment: what to lock.
        holder: who asks.
        ttl: seconds without a heartbeat after which a holder counts as dead.
        wait: seconds to wait for someone else's lease.
        on_wait: is told once whom this waits for.

    Raises:
        LockedError: someone else holds it, and still did when the wait was over.
    """
    deadline = time.monotonic() + wait
    told = False
    while True:
        taken = table.take(environment, holder, ttl)
        if isinstance(taken, str):
            return Lease(table, environment, taken, ttl)
        if time.monotonic() >= deadline:
            raise _locked(taken, wait)
        if on_wait is not None and not told:
            on_wait(taken)
        told = True
        time.sleep(min(POLL, max(deadline - time.monotonic(), 0)))


def _is(environment: str, token: str) -> ColumnElement[bool]:
    return (LEASES.c.environment == environment) & (LEASES.c.token == token)


def _status(row: Row[*tuple[Any, ...]], now: datetime) -> LockStatus:
    holder = Holder(row.who, row.pid, row.command, row.identity)
    return LockStatus(
        environment=row.environment,
        holder=holder,
        acquired=row.acquired,
        heartbeat=row.heartbeat,
        expires=row.expires,
        expired=row.expires <= now,
        gone=is_gone(holder),
    )


def _locked(status: LockStatus, waited: float) -> LockedError:
    still = f" (waited {waited:g} s)" if waited else ""
    return LockedError(
        f"environment {status}{still}",
        hint=f"wait for it with --lock-wait 60; if it hangs: trellis lock break -e {status.environment}",
    )


def _lost(environment: str, status: LockStatus | None) -> LeaseLostError:
    now = f"{status.holder} holds it since {moment(status.acquired)}" if status else "someone broke it"
    return LeaseLostError(
        f"this run lost the lock of environment {environment}: {now}; nothing more was changed",
        hint=f"see what ran with `trellis history -e {environment}`, then run the command again",
    )


def moment(time_: datetime) -> str:
    """``2026-11-23 03:43:38 UTC``."""
    return f"{time_.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
