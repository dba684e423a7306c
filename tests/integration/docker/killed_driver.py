"""Applies one step and ends like a killed process after a given number of calls to the engine.

Arguments: STACK PORT SCENARIO CALLS HOW. HOW is ``after``: when that many changing calls were answered; ``during``:
while the last of them is still under way; ``any``: when that many calls of any kind were answered.
Exit status 0: the step was done before the calls were used up.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from docker_stage import BETTER, GOOD, UNHEALTHY, Stage

from trellis.errors import ApplyError
from trellis.hosts import HostSession
from trellis.resources import Resource
from trellis_docker.client import Engine, open_engine
from trellis_docker.commands import Call
from trellis_docker.provider import DockerProvider

SCENARIOS: dict[str, Callable[[Stage], list[Resource]]] = {
    "create": lambda stage: stage.whole(GOOD),
    "replace": lambda stage: stage.whole(BETTER),
    "replace-unhealthy": lambda stage: stage.whole(UNHEALTHY, health=stage.health(stage.port, timeout=0.5)),
    "start-first": lambda stage: stage.whole(
        BETTER,
        update={"start_first": True},
        ports=[stage.published(stage.port + 700)],
        health=stage.health(stage.port + 700),
    ),
    "update": lambda stage: stage.whole(GOOD, memory=64 << 20, cpu=0.5),
    "remove": lambda stage: stage.around(GOOD),
    "destroy": lambda stage: [],  # noqa: ARG005 - every scenario is given the stage
}


class Countdown:
    """Ends this process without any farewell when it reaches 0."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def one_less(self) -> None:
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def doomed(countdown: Countdown, how: str) -> type[Engine]:
    """An engine's client that counts down."""

    class DoomedEngine(Engine):
        async def call(self, call: Call) -> None:
            if how == "during" and countdown.left == 1:
                under_way = asyncio.create_task(super().call(call))
                await asyncio.sleep(0.005)  # long enough for the request to be sent
                countdown.one_less()
                await under_way
            await super().call(call)
            countdown.one_less()

        async def _blocking(self, operation: Callable[[Any], Any]) -> Any:
            answer = await super()._blocking(operation)
            if how == "any":
                countdown.one_less()
            return answer

        async def _asked(self, path: str, query: Mapping[str, str] | None = None) -> Any:
            answer = await super()._asked(path, query)
            if how == "any":
                countdown.one_less()
            return answer

    return DoomedEngine


def main() -> None:
    stack, port, scenario, calls, how = sys.argv[1:]
    kind = doomed(Countdown(int(calls)), how)

    @asynccontextmanager
    async def engines(session: HostSession) -> AsyncIterator[Engine]:
        async with open_engine(session) as engine:
            engine.__class__ = kind
            yield engine

    stage = Stage(stack, int(port))
    steps = asyncio.run(stage.plan(SCENARIOS[scenario](stage)))
    stage.provider = DockerProvider(engines)

    async def apply() -> None:
        for step in steps:
            if step.verb.value != "keep":
                await stage.apply(step)

    try:
        asyncio.run(apply())
    except ApplyError as error:
        sys.stderr.write(f"{error}\n")


main()
