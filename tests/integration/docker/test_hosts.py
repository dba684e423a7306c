"""The provider on hosts that are reached over ssh: moves, and hosts that go away in the middle."""

import gc
from collections.abc import AsyncIterator

import pytest
from docker_stage import BETTER, CRASHING, GOOD, Stage

from trellis.errors import ApplyError, TrellisError
from trellis.hosts import HostSession
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying
from trellis.resources import Resource
from trellis_lab import Lab
from trellis_ssh.connector import SshConnector


@pytest.fixture
async def hosts(lab: Lab, lab_host) -> AsyncIterator[list[Stage]]:  # type: ignore[no-untyped-def]  # a fixture of all
    """One environment on two hosts."""
    lab.load(GOOD, BETTER, CRASHING)
    stages = []
    for name in ("h1", "h2"):
        stage = Stage("dkmove", 20001, host=name)
        stage.session = await SshConnector().connect(lab_host(lab, name))
        stages.append(stage)
    yield stages
    for stage in stages:
        await stage.up([])
        await stage.session.close()


def bare(stage: Stage, image: str = GOOD) -> Resource:
    return stage.container(image, mounts=[])


async def move(target: Stage, source: HostSession, image: str = GOOD) -> None:
    resource = bare(target, image)
    step = Step(resource.key, Verb.MOVE, "h1 is full", resource, moved_from="h1")
    await target.provider.apply(step, Applying(target.session, target.scope, target.said.append, source))


async def containers(stage: Stage) -> list[tuple[str, object]]:
    observed = await stage.provider.observe(stage.session, stage.scope)
    return [(one.key.name, one.state["running"]) for one in observed if one.key.kind == "container"]


async def test_a_move_starts_there_before_it_ends_here(hosts: list[Stage]) -> None:
    here, there = hosts
    await here.up([*here.around(), bare(here)])
    await there.up(there.around())
    await move(there, here.session)
    assert (await containers(here), await containers(there)) == ([], [("web-1", True)])
    await move(there, here.session)  # as after a run that was killed: nothing is lost
    assert (await containers(here), await containers(there)) == ([], [("web-1", True)])


async def test_a_move_that_fails_leaves_it_where_it_is(hosts: list[Stage]) -> None:
    here, there = hosts
    await here.up([*here.around(), bare(here)])
    await there.up(there.around())
    with pytest.raises(ApplyError, match="ended with exit status 1"):
        await move(there, here.session, CRASHING)
    assert (await containers(here), await containers(there)) == ([("web-1", True)], [])


# Python 3.11 forgets a connection that is accepted in the moment in which its server closes (python/cpython#109564).
@pytest.mark.filterwarnings("ignore:.*unclosed <?socket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
async def test_a_host_that_crashes_in_the_middle_is_a_sentence_and_the_next_run_goes_on(  # type: ignore[no-untyped-def]
    new_lab, lab_host
) -> None:
    lab = new_lab(1)
    lab.load(GOOD, BETTER)
    stage = Stage("dkcrash", 20001, host="h1")
    stage.session = await SshConnector().connect(lab_host(lab, "h1"))
    await stage.up(stage.whole())
    [step] = [one for one in await stage.plan(stage.whole(BETTER)) if one.verb is Verb.REPLACE]

    def crash(_: str) -> None:
        """The host goes away where it says that it stops the old one."""
        lab.crash("h1")

    with pytest.raises(TrellisError) as failure:
        await stage.provider.apply(step, Applying(stage.session, stage.scope, crash))
    assert "h1" in str(failure.value)
    await stage.session.close()
    lab.reboot("h1")
    lab.wait("h1")
    stage.session = await SshConnector().connect(lab_host(lab, "h1"))
    await stage.up(stage.whole(BETTER))
    assert await stage.up(stage.whole(BETTER)) == []
    assert await containers(stage) == [("web-1", True)]
    await stage.session.close()
    gc.collect()  # here, where the warning is expected, and not in a later test
