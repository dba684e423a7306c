"""A proxy that ends, as in a destroy, while servers leave and enter it: nobody is left to tell, and nothing fails."""

import asyncio
import subprocess

import pytest

from trellis.plugin.contracts import Applying, BalancedServer, Leaving
from trellis_haproxy.engine import GoneError, engine_of
from trellis_haproxy.entrance import HAProxyEntrance
from trellis_haproxy.runtime import LIST_PROCESSES
from trellis_haproxy.servers import lines_of

ENDINGS = {
    "stopped": ("stop", "-t", "2"),
    "asked to finish": ("kill", "-s", "USR1"),
    "killed": ("kill",),
    "removed": ("rm", "-f"),
}


async def end(container, how):
    command = ["docker", *ENDINGS[how], container]
    await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_server_leaves_and_enters_while_the_proxy_ends(running, backends, site, how):
    desired = running.desired(site("shop.example", *(backend.answers for backend in backends)))
    await running.up(desired)
    lines = lines_of(str(desired.spec["config"]))
    entrance = HAProxyEntrance("here", "haproxy-1", running.container, {"Website"}, lines, [running.port])
    applying = Applying(running.session, running.scope, print)
    name, answers = backends[1].answers
    servers = (BalancedServer("Website", "http", name, answers.address, answers.port),)
    ending = asyncio.create_task(end(running.container, how))
    for _ in range(200):  # each turn meets the proxy a little later in its end
        await entrance.leave(Leaving(servers, 0.5, returns=True), applying)
        await entrance.enter(servers, applying)
        await running.provider.observe(running.session, running.scope)
        if ending.done():
            break
    await ending
    await entrance.leave(Leaving(servers, 0.5, returns=False), applying)


async def test_what_has_ended_is_told_apart_from_what_does_not_answer(running):
    async with engine_of(running.session) as engine:
        assert "# workers" in await engine.ask(running.container, [LIST_PROCESSES])
        for how in ("killed", "removed"):
            await end(running.container, how)
            with pytest.raises(GoneError):
                await engine.ask(running.container, [LIST_PROCESSES])
