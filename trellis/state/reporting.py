"""History and locks as JSON documents and as table rows, for whoever prints them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from trellis.state.lease import LockStatus, moment
from trellis.state.records import Run, StepRecord

SCHEMA_VERSION = 1

Row = tuple[str, ...]

RUN_HEADINGS: Row = ("run", "environment", "started", "took", "outcome", "by", "command", "summary")
STEP_HEADINGS: Row = ("state", "verb", "resource", "took", "detail")
LOCK_HEADINGS: Row = ("environment", "holder", "since", "last heartbeat", "state")


def history_document(runs: Iterable[Run]) -> dict[str, object]:
    """What ``trellis history --json`` prints."""
    return {"schema_version": SCHEMA_VERSION, "runs": [_run_json(run) for run in runs]}


def run_document(run: Run) -> dict[str, object]:
    """What ``trellis history --json RUN`` prints: the run, and its steps in the order in which they started."""
    return {
        "schema_version": SCHEMA_VERSION,
        **_run_json(run),
        "steps": [_step_json(step) for step in run.steps],
    }


def lock_document(locks: Iterable[LockStatus]) -> dict[str, object]:
    """What ``trellis lock status --json`` prints."""
    return {"schema_version": SCHEMA_VERSION, "locks": [_lock_json(lock) for lock in locks]}


def run_row(run: Run) -> Row:
    """One line of the history, under `RUN_HEADINGS`."""
    record = run.record
    return (
        str(run.number),
        record.environment,
        moment(run.started),
        took(run.started, run.finished),
        run.outcome,
        record.operator,
        record.command,
        record.summary,
    )


def step_row(step: StepRecord) -> Row:
    """One line of a run's steps, under `STEP_HEADINGS`."""
    state = "started, end unknown" if step.state == "started" else step.state
    return (state, step.verb, step.key, took(step.started, step.finished), step.detail)


def lock_row(lock: LockStatus) -> Row:
    """One line of the locks, under `LOCK_HEADINGS`."""
    return (lock.environment, str(lock.holder), moment(lock.acquired), moment(lock.heartbeat), lock_state(lock))


def lock_state(lock: LockStatus) -> str:
    """``held``, or why the next one who asks takes it over."""
    if lock.gone:
        return "its process has ended; the next command takes it over"
    return "expired; the next command takes it over" if lock.expired else "held"


def took(started: datetime, finished: datetime | None) -> str:
    """``350 ms``, ``4.2 s``, ``3 min 5 s``; empty while it is under way, or when its end is unknown."""
    if finished is None:
        return ""
    length = max(finished - started, timedelta())
    if length < timedelta(seconds=1):
        return f"{length / timedelta(milliseconds=1):.0f} ms"
    seconds = length.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _run_json(run: Run) -> dict[str, object]:
    record = run.record
    return {
        "run": run.number,
        "environment": record.environment,
        "stack": record.stack,
        "command": record.command,
        "operator": record.operator,
        "started": _iso(run.started),
        "finished": _iso(run.finished),
        "outcome": run.outcome,
        "plan_digest": record.plan_digest,
        "blueprint_digest": record.blueprint_digest,
        "counts": dict(record.counts),
        "summary": record.summary,
        "reason": record.reason,
    }


def _step_json(step: StepRecord) -> dict[str, object]:
    return {
        "id": step.key,
        "verb": step.verb,
        "host": step.host,
        "state": step.state,
        "detail": step.detail,
        "started": _iso(step.started),
        "finished": _iso(step.finished),
    }


def _lock_json(lock: LockStatus) -> dict[str, object]:
    return {
        "environment": lock.environment,
        "holder": {"who": lock.holder.who, "pid": lock.holder.pid, "command": lock.holder.command},
        "acquired": _iso(lock.acquired),
        "heartbeat": _iso(lock.heartbeat),
        "expires": _iso(lock.expires),
        "expired": lock.expired,
        "process_ended": lock.gone,
    }


def _iso(time: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None
