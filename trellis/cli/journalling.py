"""Writes what happens to steps to the journal, what comes together in one transaction, and tells the operator."""

import asyncio
from types import TracebackType
from typing import Self

from trellis.applying import Ending
from trellis.cli.telling import Teller
from trellis.errors import LeaseLostError
from trellis.plans import Step
from trellis.remembering import made_of
from trellis.state.lease import Lease
from trellis.state.records import StepEvent
from trellis.state.store import Store


class JournalledSteps:
    """A listener of the applier. The journal is written by a thread, so that hosts do not wait while the disk does.

    A step does nothing before the disk has it as started. That it ended is written with whatever comes next, and at the
    latest when this context manager is left: where it is missing, the journal says that nobody knows how far it came.

    Args:
        store: the journal's.
        lease: the lock that this process holds; it is looked at before anything is started.
        run: the run's number.
        salt: the environment's, for fingerprints of secrets.
        teller: tells the operator.
    """

    def __init__(self, store: Store, lease: Lease, run: int, salt: bytes, teller: Teller) -> None:
        self._store, self._lease, self._run, self._salt, self._teller = store, lease, run, salt, teller
        self._waiting: list[StepEvent] = []
        self._next: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._write()

    async def started(self, step: Step) -> None:
        """Written down when it returns.

        Raises:
            LeaseLostError: somebody else holds the lock by now.
            StateError: the journal cannot be written.
        """
        await self._with_others(StepEvent(str(step.key), "started", step.verb.value, step.key.host, step.reason))
        self._teller.started(step)

    def doing(self, step: Step, text: str) -> None:
        """Told the operator."""
        self._teller.doing(step, text)

    def ended(self, step: Step, how: Ending, text: str) -> None:
        """Written down soon."""
        made = made_of(step.resource, self._salt) if how == "done" and step.resource else None
        self._waiting.append(StepEvent(str(step.key), how, step.verb.value, step.key.host, text, made))
        self._teller.ended(step, how)

    async def _with_others(self, event: StepEvent) -> None:
        """Write an event together with all that come in this turn of the event loop, or while the disk is busy."""
        self._waiting.append(event)
        if self._next is None:
            self._next = asyncio.create_task(self._write())
        await asyncio.shield(self._next)

    async def _write(self) -> None:
        async with self._writing:
            self._next = None
            events, self._waiting = self._waiting, []
            if events:
                await asyncio.to_thread(self._record, events)

    def _record(self, events: list[StepEvent]) -> None:
        ended = [event for event in events if event.state != "started"]
        if len(ended) < len(events):
            try:
                self._lease.check()
            except LeaseLostError:
                self._store.record_steps(self._run, ended)
                raise
        self._store.record_steps(self._run, events)
