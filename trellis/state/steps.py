"""How what happens to steps is written down: rows of the journal, and what is known of the steps' resources."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from trellis.state.records import Made, StepEvent, refuse_secrets
from trellis.state.schema import MADE, RUNS, STEPS


def write_steps(connection: Connection, run: int, events: Sequence[StepEvent], now: datetime) -> None:
    """Write events in their order, in the connection's transaction; errors as in `Store.record_steps`."""
    for event in events:
        refuse_secrets(
            (event.key, event.verb, event.host, event.detail, event.made and dict(event.made.spec)), "a step"
        )
    environment = str(connection.scalar(select(RUNS.c.environment).where(RUNS.c.number == run)))
    for event in events:
        if event.state in ("started", "skipped"):
            _begin(connection, run, environment, event, now)
        else:
            _end(connection, run, environment, event, now)


def _begin(connection: Connection, run: int, environment: str, event: StepEvent, now: datetime) -> None:
    values = {"run": run, "key": event.key, "verb": event.verb, "host": event.host, "detail": event.detail}
    finished = now if event.state == "skipped" else None
    connection.execute(insert(STEPS).values(**values, state=event.state, started=now, finished=finished))
    if event.state == "started":
        known = (MADE.c.environment == environment) & (MADE.c.key == event.key)
        connection.execute(update(MADE).where(known).values(certain=False))


def _end(connection: Connection, run: int, environment: str, event: StepEvent, now: datetime) -> None:
    under_way = (STEPS.c.run == run) & (STEPS.c.key == event.key) & (STEPS.c.state == "started")
    values: dict[str, object] = {"state": event.state, "finished": now}
    values |= {"detail": event.detail} if event.detail else {}
    if not connection.execute(update(STEPS).where(under_way).values(values)).rowcount:
        raise KeyError(event.key)
    if event.state == "done":
        _remember(connection, environment, event.key, event.made)


def _remember(connection: Connection, environment: str, key: str, made: Made | None) -> None:
    """Replace what is known of a resource."""
    connection.execute(delete(MADE).where((MADE.c.environment == environment) & (MADE.c.key == key)))
    if made is not None:
        connection.execute(insert(MADE).values(**made_columns(environment, made)))


def made_columns(environment: str, made: Made) -> dict[str, object]:
    """A row of what was made."""
    return {
        "environment": environment,
        "key": made.key,
        "certain": made.certain,
        "role": made.role,
        "service": made.service,
        "instance": made.instance,
        "spec": dict(made.spec),
    }
