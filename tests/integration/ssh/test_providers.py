"""What providers do on this machine they do over ssh as well, whatever the account's way to the engine is."""

import sys
from pathlib import Path

import pytest

from trellis.errors import ApplyError, TrellisError, UnreachableError
from trellis.plans import Verb

sys.path.insert(0, str(Path(__file__).parents[1] / "docker"))  # test folders are not packages

from docker_stage import BETTER, GOOD, UNHEALTHY, Stage


@pytest.fixture
async def stage_on(connect, lab, lab_host, built_images):
    """A stage on a lab host: `await stage_on("keeper")`; what it made is removed at the end."""
    built_images("trellis-test/echo")
    stages = []

    async def make(user: str) -> Stage:
        lab.load(GOOD, BETTER, UNHEALTHY)
        stage = Stage(f"lb{user}", 20500, host="h1")
        stage.session = await connect(lab_host(lab, "h1", user=user))
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        if not stage.session._closed:
            await stage.up([])


@pytest.mark.parametrize("user", ["root", "deploy", "keeper", "careful", "builder"])
async def test_containers_are_made_kept_replaced_and_removed(user, stage_on, lab):
    stage = await stage_on(user)
    made = await stage.up(stage.whole())
    assert [step.verb for step in made if step.key.kind == "container"] == [Verb.CREATE]
    assert await stage.up(stage.whole()) == []
    replaced = await stage.up(stage.whole(BETTER))
    assert [step.verb for step in replaced if step.key.kind == "container"] == [Verb.REPLACE]
    with pytest.raises(ApplyError):
        await stage.up(stage.whole(UNHEALTHY, health=stage.health(stage.port, timeout=1.0)))
    names = ["docker", "ps", "--filter", f"label=io.trellis.stack={stage.stack}", "--format", "{{.Image}}"]
    assert lab.execute("h1", *names) == (0, f"{BETTER}\n")
    await stage.up([])
    assert lab.execute("h1", *names) == (0, "")


@pytest.mark.parametrize("fault", ["crash", "partition"])
async def test_a_host_that_goes_away_before_a_step_is_unreachable_not_empty(
    fault, connect, new_lab, lab_host, built_images
):
    built_images("trellis-test/echo:1")
    lab = new_lab(1)
    lab.load(GOOD)
    stage = Stage("lbgone", 20500, host="h1")
    stage.session = await connect(lab_host(lab, "h1"))
    await stage.up(stage.whole())
    getattr(lab, fault)("h1")
    with pytest.raises(TrellisError) as caught:
        await stage.plan(stage.whole())
    assert isinstance(caught.value, UnreachableError)
