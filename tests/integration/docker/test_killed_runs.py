"""Killed with SIGKILL at any moment of a step: the next run converges, nothing is lost or doubled."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from docker_stage import BETTER, GOOD, Stage

from trellis.resources import Resource

DRIVER = Path(__file__).parent / "killed_driver.py"
KILLED = -9


async def drive(stage: Stage, scenario: str, calls: int, how: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(DRIVER), stage.stack, str(stage.port), scenario, str(calls), how
    )
    return await asyncio.wait_for(process.wait(), 60)


async def check_convergence(stage: Stage, api: Any, desired: list[Resource], how: str) -> None:
    """One `up` is enough, the one after has nothing to do, and only what is wanted is there.

    What the engine was still doing for the killed run may take effect after the next run has looked, such as a stop
    that waits for a container to end. Then, and only then, a second `up` is needed.
    """
    await stage.up(desired)
    late = await stage.up(desired)
    if how == "during" and late:
        late = await stage.up(desired)
    assert late == []
    wanted = [resource.spec["name"] for resource in desired if resource.key.kind == "container"]
    listed = api.containers(all=True, filters={"name": stage.prefix})
    assert [(one["Names"][0].removeprefix("/"), one["State"]) for one in listed] == [
        (name, "running") for name in wanted
    ]


async def kill_at_every_call(
    stage: Stage, api: Any, scenario: str, how: str, before: list[Resource], desired: list[Resource]
) -> int:
    """How many times the driver was killed."""
    for calls in range(1, 60):
        await stage.up(before)
        status = await drive(stage, scenario, calls, how)
        assert status in (0, KILLED)
        await check_convergence(stage, api, desired, how)
        if status == 0:
            return calls - 1
    pytest.fail("the driver never came to its end")


@pytest.mark.parametrize("how", ["after", "during"])
class TestEveryChange:
    """Killed after, and in the middle of, every call that changes something."""

    async def test_create(self, stage: Stage, api: Any, how: str) -> None:
        # network, volume, create, start
        assert await kill_at_every_call(stage, api, "create", how, [], stage.whole()) == 4

    async def test_replace(self, stage: Stage, api: Any, how: str) -> None:
        # stop, rename, create, start, remove
        desired = stage.whole(BETTER)
        assert await kill_at_every_call(stage, api, "replace", how, stage.whole(), desired) == 5

    async def test_a_replacement_that_fails_and_is_undone(self, stage: Stage, api: Any, how: str) -> None:
        # stop, rename, create, start, stop, remove, rename, start
        good = stage.whole(GOOD)
        assert await kill_at_every_call(stage, api, "replace-unhealthy", how, good, good) == 8

    async def test_update(self, stage: Stage, api: Any, how: str) -> None:
        desired = stage.whole(memory=64 << 20, cpu=0.5)
        assert await kill_at_every_call(stage, api, "update", how, stage.whole(), desired) == 1

    async def test_remove(self, stage: Stage, api: Any, how: str) -> None:
        # stop, remove
        assert await kill_at_every_call(stage, api, "remove", how, stage.whole(), stage.around()) == 2

    async def test_destroy(self, stage: Stage, api: Any, how: str) -> None:
        # stop, remove, volume, network
        assert await kill_at_every_call(stage, api, "destroy", how, stage.whole(), []) == 4


async def test_start_first(stage: Stage, api: Any) -> None:
    # rename, create, start, stop, remove
    first = {"update": {"start_first": True}}
    other = stage.port + 700
    desired = stage.whole(BETTER, ports=[stage.published(other)], health=stage.health(other), **first)
    assert await kill_at_every_call(stage, api, "start-first", "after", stage.whole(**first), desired) == 5


async def test_killed_after_any_question_to_the_engine(stage: Stage, api: Any) -> None:
    assert await kill_at_every_call(stage, api, "replace", "any", stage.whole(), stage.whole(BETTER)) >= 10
