"""Apply: do a plan's steps in their order, independent ones side by side; decides nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trellis.errors import TrellisError
from trellis.observing import Observed
from trellis.plans import Plan, Step, Verb
from trellis.plugin.contracts import Applying, Provider
from trellis.resources import ResourceKey

Event = Literal["started", "doing", "done", "failed", "skipped"]
Listener = Callable[[Event, Step, str], None]
"""Told what happens to each step: the event, the step, and a sentence that may be empty."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: done, failed with `error`, or skipped because something before it failed or was cancelled."""

    step: Step
    state: Literal["done", "failed", "skipped"]
    error: TrellisError | None = None


class Applier:
    """Applies one plan.

    Args:
        providers: by resource kind.
        observed: the hosts with their open sessions.
        listener: told what happens; it may raise to stop everything, as a lost lease does.
        parallel: how many steps at once.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        observed: Mapping[str, Observed],
        listener: Listener,
        parallel: int = 10,
    ) -> None:
        self._providers = providers
        self._observed = observed
        self._listener = listener
        self._slots = asyncio.Semaphore(parallel)
        self._stopping = False

    def stop(self) -> None:
        """Start nothing more; what is under way is finished."""
        self._stopping = True

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        """Do the plan's changes; after a failure nothing more is started."""
        tasks: dict[ResourceKey, asyncio.Task[Outcome]] = {}
        for step in plan.changes:
            before = [tasks[key] for key in step.requires if key in tasks]
            tasks[step.key] = asyncio.create_task(self._when_ready(step, before))
        return tuple(await asyncio.gather(*tasks.values()))

    async def _when_ready(self, step: Step, before: "Sequence[asyncio.Task[Outcome]]") -> Outcome:
        outcomes = await asyncio.gather(*before)
        async with self._slots:
            if self._stopping or any(outcome.state != "done" for outcome in outcomes):
                self._listener("skipped", step, "")
                return Outcome(step, "skipped")
            return await self._do(step)

    async def _do(self, step: Step) -> Outcome:
        self._listener("started", step, "")
        try:
            await self._providers[step.key.kind].apply(step, self._applying(step))
        except TrellisError as error:
            self._stopping = True
            self._listener("failed", step, error.what)
            return Outcome(step, "failed", error)
        except BaseException:
            self._stopping = True
            raise
        self._listener("done", step, "")
        return Outcome(step, "done")

    def _applying(self, step: Step) -> Applying:
        seen = self._observed[step.key.host]
        assert seen.session is not None  # noqa: S101 - for the type checker: a plan has no steps on silent hosts
        source = self._observed[step.moved_from].session if step.verb is Verb.MOVE else None
        return Applying(seen.session, seen.scope, lambda text: self._listener("doing", step, text), source)
