"""Apply: do a plan's steps in their order, independent ones side by side; decides nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from trellis.balancing import NO_BALANCERS, Balancers
from trellis.errors import TrellisError, UnreachableError
from trellis.observing import Observed
from trellis.plans import Plan, Step, Verb
from trellis.plugin.contracts import NO_TOOLS, Applying, Provider, Tools
from trellis.resources import ResourceKey

Ending = Literal["done", "failed", "skipped"]


class Listener(Protocol):
    """Told what happens to each step."""

    async def started(self, step: Step) -> None:
        """It begins as soon as this returns; it may raise to stop everything, as a lost lease does."""

    def doing(self, step: Step, text: str) -> None:
        """What it is doing now, as a sentence."""

    def ended(self, step: Step, how: Ending, text: str) -> None:
        """It is over, or was not begun; what failed has a sentence."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: done, failed with `error`, or skipped because something before it failed or was cancelled."""

    step: Step
    state: Ending
    error: TrellisError | None = None


class Applier:
    """Applies one plan.

    Args:
        providers: by resource kind.
        observed: the hosts with their open sessions.
        listener: told what happens.
        parallel: how many steps at once.
        tools: what of the controller's own the providers may use.
        balancers: told what comes and goes.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        observed: Mapping[str, Observed],
        listener: Listener,
        parallel: int = 10,
        tools: Tools = NO_TOOLS,
        balancers: Balancers = NO_BALANCERS,
    ) -> None:
        self._providers = providers
        self._observed = observed
        self._listener = listener
        self._slots = asyncio.Semaphore(parallel)
        self._stopping = False
        self._tools = tools
        self._lost: set[str] = set()
        self._balancers = balancers

    def stop(self) -> None:
        """Start nothing more; what is under way is finished."""
        self._stopping = True

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        """Do the plan's changes.

        After a failure nothing more is started. A host that stops answering is no failure of the others: they go on,
        but for steps that need one that was to be done there. What is under way is always finished, whatever happens.
        """
        tasks: dict[ResourceKey, asyncio.Task[Outcome]] = {}
        for step in plan.changes:
            before = [tasks[key] for key in step.requires if key in tasks]
            tasks[step.key] = asyncio.create_task(self._when_ready(step, before))
        ended = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
        return tuple(one for one in ended if isinstance(one, Outcome))

    async def _when_ready(self, step: Step, before: "Sequence[asyncio.Task[Outcome]]") -> Outcome:
        outcomes = await asyncio.gather(*before, return_exceptions=True)
        ready = all(isinstance(outcome, Outcome) and outcome.state == "done" for outcome in outcomes)
        await self._pause(step.pause if before and ready else 0.0)
        async with self._slots:
            try:
                if self._stopping or not ready or self._lost & {step.key.host, step.moved_from}:
                    self._listener.ended(step, "skipped", "")
                    return Outcome(step, "skipped")
                return await self._do(step)
            except BaseException:
                self._stopping = True
                raise

    async def _pause(self, seconds: float) -> None:
        """Let time pass between two batches, unless everything stops meanwhile."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self._stopping and (left := deadline - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110 - ends
            await asyncio.sleep(min(left, 0.1))

    async def _do(self, step: Step) -> Outcome:
        await self._listener.started(step)
        try:
            await self._providers[step.key.kind].apply(step, self._applying(step))
        except TrellisError as error:
            self._note(step, error)
            self._listener.ended(step, "failed", error.what)
            return Outcome(step, "failed", error)
        self._listener.ended(step, "done", "")
        return Outcome(step, "done")

    def _note(self, step: Step, error: TrellisError) -> None:
        if not isinstance(error, UnreachableError):
            self._stopping = True
        elif not step.moved_from:  # of a move's two hosts, nobody knows which one it was
            self._lost.add(step.key.host)

    def _applying(self, step: Step) -> Applying:
        seen = self._observed[step.key.host]
        assert seen.session is not None  # noqa: S101 - for the type checker: a plan has no steps on silent hosts
        source = self._observed[step.moved_from].session if step.verb is Verb.MOVE else None

        def report(text: str) -> None:
            self._listener.doing(step, text)

        traffic = self._balancers.traffic(step, report)
        return Applying(seen.session, seen.scope, report, source, self._tools, traffic, seen.connector)
