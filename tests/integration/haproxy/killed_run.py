"""Applies one configuration, and kills itself before the n-th thing that it does on the host or asks of the engine.

python killed_run.py N <told.json
"""

import asyncio
import json
import os
import signal
import sys

from trellis.hosts import Completed, Host
from trellis.plans import Step
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_haproxy import engine
from trellis_haproxy.provider import HAProxyProvider
from trellis_local.session import LocalSession


class Countdown:
    def __init__(self, left: int) -> None:
        self.left = left

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedSession(LocalSession):
    countdown: Countdown

    async def run(self, argv, *, stdin=b"", sudo=False, timeout=60.0) -> Completed:
        self.countdown.tick()
        return await super().run(argv, stdin=stdin, sudo=sudo, timeout=timeout)


async def apply(told: dict, countdown: Countdown) -> None:
    session, provider = DoomedSession(Host("here")), HAProxyProvider()
    session.countdown = Countdown(0)
    scope = Scope(told["stack"], "dev", data_dir=told["data_dir"])
    desired = Resource(ResourceKey("haproxy-config", "haproxy-1", "here"), freeze_mapping(told["spec"]))
    (actual,) = await provider.observe(session, scope)
    decision = provider.decide(desired, actual, b"")
    session.countdown = countdown
    step = Step(desired.key, decision.verb, decision.reason, desired, actual)
    await provider.apply(step, Applying(session, scope, lambda _: None))


def main() -> None:
    countdown = Countdown(int(sys.argv[1]))
    do = engine.Engine._do

    async def doomed(self, *arguments, **named):
        countdown.tick()
        return await do(self, *arguments, **named)

    engine.Engine._do = doomed
    asyncio.run(apply(json.load(sys.stdin), countdown))


main()
