"""Looks at one container until it serves, or until it is clear that it will not."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from trellis.health import Answer, Check, HealthState, ask, check_from, wait_until_healthy
from trellis.hosts import Completed
from trellis.plugin.contracts import Applying
from trellis_docker.client import Engine
from trellis_docker.differences import limit_text
from trellis_docker.facts import Json
from trellis_docker.spec import ContainerSpec

SETTLED = 0.25
"""Seconds that a container without any check has to run to count as started: what cannot start at all ends at once."""

_PATIENCE = 60.0
"""Seconds that a container with a HEALTHCHECK of its image, or none at all, has."""

_RESTARTS = 3
"""Ends after which a checked container is given up; fewer are forgiven, as what it needs may start beside it."""


_LOOKS_FOR_STATUS = 10
"""Looks, 0.1 s apart, to catch a container that restarts again and again between two runs."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """One container under observation.

    Attributes:
        engine: its engine.
        applying: the session over which it is asked, and the operator who is told.
        container: its id.
        spec: how it was made.
        restarts: how often it had been restarted before the observation.
        since: when the observation began, on this machine's monotonic clock.
    """

    engine: Engine
    applying: Applying
    container: str
    spec: ContainerSpec
    restarts: int = 0
    since: float = field(default_factory=monotonic)

    async def wait(self) -> Answer:
        """The first answer that settles the question, or the last one before the deadline."""
        check = check_from(self.spec.health)
        timeout = check.timeout if check else _PATIENCE
        answer = await wait_until_healthy(
            self.look,
            deadline=self.since + timeout,
            interval=check.interval if check else SETTLED,
            report=self.applying.report,
        )
        if answer.healthy or answer.final:
            return answer
        return Answer(healthy=False, detail=f"did not become healthy within {timeout:g} s: {answer.detail}")

    async def look(self) -> Answer:
        """One look: at the engine first, as a container that has ended cannot be asked."""
        inspected = await self.engine.container(self.container)
        if inspected is None:
            return Answer(healthy=False, detail="was removed by somebody else", final=True)
        check = check_from(self.spec.health)
        if self._has_ended(inspected, check):
            return Answer(healthy=False, detail=await self._how_it_ended(inspected), final=True)
        if check:
            return await ask(check, self.applying.session, self._execute)
        own = inspected["State"].get("Health")
        return _own_health(own) if own else await self._settled(inspected)

    async def look_again(self) -> Answer:
        """One look at a container that was healthy: one without any check only has to run on."""
        inspected = await self.engine.container(self.container)
        if inspected is not None and not check_from(self.spec.health) and not inspected["State"].get("Health"):
            status = inspected["State"]["Status"]
            return Answer(healthy=status == "running", detail=f"is {status}")
        return await self.look()

    def _has_ended(self, inspected: Json, check: Check | None) -> bool:
        again = inspected.get("RestartCount", 0) - self.restarts
        return inspected["State"]["Status"] in ("exited", "dead") or again >= (_RESTARTS if check else 1)

    async def _how_it_ended(self, inspected: Json) -> str:
        """Its exit status; the engine forgets it whenever it starts the container again, so it may take some looks."""
        for _ in range(_LOOKS_FOR_STATUS):
            state = inspected["State"]
            if state.get("OOMKilled"):
                return f"took more memory than its limit of {limit_text('memory', self.spec.memory)}"
            if state["Status"] != "running":
                return f"ended with exit status {state.get('ExitCode', 0)}"
            await asyncio.sleep(0.1)
            inspected = await self.engine.container(self.container) or inspected
        return "ended and was restarted"

    async def _settled(self, inspected: Json) -> Answer:
        """Whether it still runs when its time to settle is over; until then nothing is asked."""
        left = self.since + SETTLED - monotonic()
        if left > 0:
            await asyncio.sleep(left)
            return await self.look()
        steady = inspected["State"]["Status"] == "running"
        return Answer(healthy=steady, detail="runs" if steady else "it settles")

    async def _execute(self, argv: Sequence[str]) -> Completed:
        return await self.engine.execute(self.container, argv)


def _own_health(health: Mapping[str, object]) -> Answer:
    """What the image's own HEALTHCHECK says."""
    status = str(health.get("Status"))
    return Answer(
        healthy=status == "healthy", detail=f"its image's own check says {status}", final=status == "unhealthy"
    )


def own_health(status: str) -> HealthState:
    """Docker's word for what the image's own check says, as Trellis's."""
    match status:
        case "healthy" | "starting" | "unhealthy":
            return status
    return "none"


async def no_command(argv: Sequence[str]) -> Completed:
    """Stands where a check asks over the network and runs nothing in the container."""
    raise NotImplementedError(argv)
