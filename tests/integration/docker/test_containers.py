"""Containers on a real engine: made, changed, put right, put back, removed."""

import asyncio
import json
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest
from docker_stage import BETTER, CRASHING, GOOD, PASSWORD, UNHEALTHY, Stage

from trellis.errors import ApplyError, PolicyError
from trellis.plans import Step, Verb


def told(steps: list[Step]) -> list[tuple[str, str, str]]:
    return [(step.verb.value, step.key.kind, step.reason) for step in steps]


def fetch(port: int, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def inspect(api: Any, stage: Stage, suffix: str = "-web-1") -> Any:
    return api.inspect_container(stage.prefix + suffix)


async def test_an_empty_host_gets_everything_and_a_second_run_has_nothing_to_do(stage: Stage) -> None:
    steps = await stage.up(stage.whole())
    assert told(steps) == [
        ("create", "network", "not there yet"),
        ("create", "volume", "not there yet"),
        ("create", "container", "not there yet"),
    ]
    assert fetch(stage.port, "/healthz").strip() == "ok"
    assert {step.reason for step in await stage.plan(stage.whole())} == {"already equal"}


async def test_a_container_is_what_its_spec_says(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole(labels={"team": "shop"}, command=["/bin/serve"]))
    made = inspect(api, stage)
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert made["HostConfig"]["Memory"] == made["HostConfig"]["MemorySwap"] == 32 << 20
    assert made["HostConfig"]["CpuShares"] == 256
    assert made["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(stage.port)}]}
    assert {"WORKERS=4", f"PASSWORD={PASSWORD}"} <= set(made["Config"]["Env"])
    assert made["Config"]["StopTimeout"] == 2
    assert {"web", "web-1"} <= set(made["NetworkSettings"]["Networks"][stage.prefix]["Aliases"])
    assert [(mount["Name"], mount["Destination"]) for mount in made["Mounts"]] == [(f"{stage.prefix}-data", "/data")]
    labels = made["Config"]["Labels"]
    assert labels["team"] == "shop"
    assert labels["io.trellis.stack"] == stage.stack
    assert labels["io.trellis.service"] == "Web"
    assert labels["io.trellis.instance"] == "1"
    assert labels["io.trellis.name"] == "web-1"
    assert PASSWORD not in json.dumps(labels)


async def test_what_is_observed_says_how_the_container_is(stage: Stage) -> None:
    await stage.up(stage.whole())
    [actual] = [one for one in await stage.provider.observe(stage.session, stage.scope) if one.key.kind == "container"]
    assert (actual.owner.role, actual.owner.service, actual.owner.index) == ("Front", "Web", 1)
    state = actual.state
    assert (state["status"], state["running"], state["health"]) == ("running", True, "none")
    assert (state["image"], state["restarts"], state["previous"]) == (GOOD, 0, False)
    assert state["image_id"] == state["image_now"]
    assert [dict(port) for port in state["ports"]] == [  # type: ignore[union-attr,call-overload,arg-type]  # JSON
        {"container_port": 8080, "protocol": "tcp", "host_ip": "127.0.0.1", "host_port": stage.port}
    ]
    assert PASSWORD not in repr(actual)


@pytest.mark.parametrize(
    ("image", "changes", "reason"),
    [
        (BETTER, {}, "image 1 → 2"),
        (GOOD, {"env": {"WORKERS": "8"}}, "environment changed: PASSWORD, WORKERS"),
        (GOOD, {"user": "1000"}, "user the image's own → 1000"),
        (GOOD, {"mounts": []}, "mounts changed: /data"),
    ],
)
async def test_a_difference_replaces_the_container(
    stage: Stage, api: Any, image: str, changes: dict[str, object], reason: str
) -> None:
    await stage.up(stage.whole())
    before = inspect(api, stage)["Id"]
    steps = await stage.up(stage.whole(image, **changes))
    assert told(steps) == [("replace", "container", reason)]
    after = inspect(api, stage)
    assert after["Id"] != before
    assert after["State"]["Running"]
    assert names(api, stage) == [f"{stage.prefix}-web-1"]
    assert await stage.up(stage.whole(image, **changes)) == []


def names(api: Any, stage: Stage) -> list[str]:
    return sorted(one["Names"][0].removeprefix("/") for one in api.containers(all=True, filters={"name": stage.prefix}))


async def test_limits_change_in_place(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    before = inspect(api, stage)
    changed = stage.whole(memory=64 << 20, cpu=0.5)
    assert told(await stage.up(changed)) == [
        ("update", "container", "memory limit 32 MiB → 64 MiB; cpu share 0.25 cores → 0.5 cores")
    ]
    after = inspect(api, stage)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert (after["HostConfig"]["Memory"], after["HostConfig"]["CpuShares"]) == (64 << 20, 512)
    assert await stage.up(changed) == []


async def test_what_somebody_did_by_hand_is_drift_and_is_put_right(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    container = f"{stage.prefix}-web-1"
    for by_hand, reason in (
        (lambda: api.stop(container, timeout=1), "was stopped by hand"),
        (lambda: api.pause(container), "was paused by hand"),
        (
            lambda: api.update_container(container, mem_limit=48 << 20, memswap_limit=48 << 20),
            "memory limit was altered by hand",
        ),
        (lambda: api.update_container(container, restart_policy={"Name": "no"}), "restart policy was altered by hand"),
        (
            lambda: api.disconnect_container_from_network(container, stage.prefix),
            f"is not connected to network {stage.prefix}",
        ),
        (lambda: api.rename(container, f"{stage.prefix}-mine"), f"was renamed {stage.prefix}-mine by hand"),
    ):
        by_hand()
        steps = await stage.up(stage.whole())
        assert [(*one, steps[0].drift) for one in told(steps)] == [("update", "container", reason, True)]
        assert fetch(stage.port, "/healthz").strip() == "ok"
        assert await stage.up(stage.whole()) == []


async def test_a_container_removed_by_hand_comes_back(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    api.remove_container(f"{stage.prefix}-web-1", force=True)
    assert told(await stage.up(stage.whole())) == [("create", "container", "not there yet")]


async def test_a_stopped_container_whose_network_was_made_anew_joins_it(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    api.stop(f"{stage.prefix}-web-1", timeout=1)
    api.remove_network(stage.prefix)
    assert [step.key.kind for step in await stage.up(stage.whole())] == ["network", "container"]
    assert fetch(stage.port, "/healthz").strip() == "ok"
    assert await stage.up(stage.whole()) == []


async def test_a_rebuilt_image_replaces_its_containers(stage: Stage, api: Any) -> None:
    tag = f"{stage.stack}/rebuilt"
    api.tag(GOOD, tag, "1")
    try:
        await stage.up(stage.whole(f"{tag}:1"))
        api.tag(BETTER, tag, "1", force=True)
        assert told(await stage.up(stage.whole(f"{tag}:1"))) == [
            ("replace", "container", f"image {tag}:1 was built or pulled anew")
        ]
        assert await stage.up(stage.whole(f"{tag}:1")) == []
    finally:
        api.remove_container(f"{stage.prefix}-web-1", force=True)
        api.remove_image(f"{tag}:1")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (UNHEALTHY, "did not become healthy within 3 s: /healthz answers 503"),
        (CRASHING, "ended with exit status 1; its last lines:\n  | echo: this image ends on purpose"),
    ],
)
async def test_the_old_one_goes_on_when_the_new_one_fails(stage: Stage, api: Any, image: str, why: str) -> None:
    await stage.up(stage.whole())
    before = inspect(api, stage)["Id"]
    with pytest.raises(ApplyError) as failure:
        await stage.up(stage.whole(image))
    assert why in failure.value.what
    assert failure.value.what.endswith("the old one runs again")
    assert failure.value.where == "host here"
    assert inspect(api, stage)["Id"] == before
    assert names(api, stage) == [f"{stage.prefix}-web-1"]
    # It runs again, which takes it a moment.
    assert await stage.plan(stage.whole()) != []
    assert await stage.up(stage.whole()) == []
    await until_it_answers(stage.port)


async def until_it_answers(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                if fetch(port, "/healthz").strip() == "ok":
                    return
            except (OSError, urllib.error.URLError):
                await asyncio.sleep(0.05)


async def test_a_first_container_that_fails_is_not_left_behind(stage: Stage, api: Any) -> None:
    with pytest.raises(ApplyError, match="it was removed again"):
        await stage.up(stage.whole(CRASHING))
    assert names(api, stage) == []


async def test_a_container_without_a_check_that_ends_at_once_is_a_failure(stage: Stage, api: Any) -> None:
    with pytest.raises(ApplyError, match="ended with exit status 1"):
        await stage.up(stage.whole(CRASHING, health=None))
    assert names(api, stage) == []


async def test_secrets_are_masked_in_a_failed_container_s_lines(stage: Stage) -> None:
    command = ["/bin/sh", "-c", "echo password is $PASSWORD; exit 7"]
    with pytest.raises(ApplyError) as failure:
        await stage.up(stage.whole(command=command))
    assert "ended with exit status 7" in failure.value.what
    assert "| password is •••" in failure.value.what
    assert PASSWORD not in failure.value.what


async def test_a_missing_image_stops_nothing(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    before = inspect(api, stage)
    with pytest.raises(ApplyError) as failure:
        await stage.up([stage.container("trellis-test/none:9")])
    assert failure.value.what.startswith("image trellis-test/none:9 is not on here, and it could not be pulled: ")
    assert failure.value.hint
    after = inspect(api, stage)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])


async def test_a_port_that_somebody_holds_is_named(stage: Stage, api: Any) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what answered there before lingers
        holder.bind(("127.0.0.1", stage.port))
        holder.listen()
        with pytest.raises(ApplyError) as failure:
            await stage.up(stage.whole())
    assert f"port {stage.port} of here is already in use" in failure.value.what
    assert str(stage.port) in str(failure.value.hint)
    assert names(api, stage) == []


async def test_a_port_that_another_container_holds_is_named(stage: Stage) -> None:
    await stage.up(stage.whole())
    other = Stage(f"{stage.stack}x", stage.port)
    try:
        with pytest.raises(ApplyError, match=f"port {stage.port} of here is already in use"):
            await other.up(other.whole())
        assert fetch(stage.port, "/healthz").strip() == "ok"
    finally:
        await other.up([])


async def test_start_first_leaves_no_gap_when_the_port_differs(stage: Stage, api: Any) -> None:
    first = {"update": {"start_first": True}}
    await stage.up(stage.whole(**first))
    other = stage.port + 700
    moved = stage.whole(BETTER, ports=[stage.published(other)], health=stage.health(other), **first)
    steps = await stage.up(moved)
    assert steps[0].reason == f"image 1 → 2; ports http 127.0.0.1:{stage.port} → http 127.0.0.1:{other}"
    assert "stopping the old one" not in stage.said
    assert names(api, stage) == [f"{stage.prefix}-web-1"]


async def test_start_first_says_so_when_the_port_is_the_same(stage: Stage) -> None:
    await stage.up(stage.whole(update={"start_first": True}))
    await stage.up(stage.whole(BETTER, update={"start_first": True}))
    assert "the new one needs the old one's port, so the old one stops first" in stage.said


@pytest.mark.parametrize(
    "health",
    [{"kind": "tcp"}, {"kind": "command", "argv": ("/bin/busybox", "true")}],
)
async def test_every_kind_of_check_is_asked(stage: Stage, health: dict[str, object]) -> None:
    await stage.up(stage.whole(health=stage.health(stage.port, **health)))


async def test_a_command_that_fails_is_quoted(stage: Stage) -> None:
    argv = ("/bin/sh", "-c", "echo not yet >&2; exit 3")
    with pytest.raises(ApplyError, match="the command /bin/sh ended with 3: not yet"):
        await stage.up(stage.whole(health=stage.health(stage.port, kind="command", argv=argv, timeout=1.0)))


async def test_nobody_behind_a_published_port_is_not_healthy(stage: Stage) -> None:
    """Docker's proxy accepts for a container in which nobody listens."""
    sleeping = ["/bin/busybox", "sleep", "60"]
    with pytest.raises(ApplyError, match="did not become healthy within 1 s: "):
        await stage.up(stage.whole(command=sleeping, health=stage.health(stage.port, kind="tcp", timeout=1.0)))


async def test_health_now(stage: Stage, api: Any) -> None:
    async def now() -> str:
        [actual] = [one for one in await stage.provider.observe(stage.session, stage.scope) if one.owner.index]
        return await stage.provider.health(stage.session, actual, datetime.now(UTC))

    await stage.up(stage.whole())
    assert await now() == "healthy"
    api.stop(f"{stage.prefix}-web-1", timeout=1)
    assert await now() == "unhealthy"
    await stage.up(stage.whole(health=stage.health(stage.port, kind="command", argv=("/bin/busybox", "true"))))
    assert await now() == "healthy"
    await stage.up(
        stage.whole(user="0", health=stage.health(stage.port, kind="command", argv=("/bin/busybox", "true")))
    )
    assert await now() == "healthy"
    await stage.up(stage.whole(BETTER, health=None))
    assert await now() == "none"


async def test_host_network_publishes_nothing(stage: Stage, api: Any) -> None:
    port = {**stage.published(stage.port), "container_port": stage.port}
    command = ["/bin/busybox", "httpd", "-f", "-p", f"127.0.0.1:{stage.port}", "-h", "/www"]
    whole = stage.whole(network="host", aliases=[], ports=[port], command=command, stop_grace=1)
    await stage.up(whole)
    made = inspect(api, stage)
    assert made["HostConfig"]["NetworkMode"] == "host"
    assert not made["HostConfig"]["PortBindings"]
    [actual] = [one for one in await stage.provider.observe(stage.session, stage.scope) if one.key.kind == "container"]
    assert [port["host_port"] for port in actual.state["ports"]] == [stage.port]  # type: ignore[union-attr,index,call-overload]
    assert await stage.up(whole) == []


async def test_destroy_leaves_images_and_nothing_else(stage: Stage, api: Any) -> None:
    await stage.up(stage.whole())
    steps = await stage.up([])
    assert [(step.verb, step.key.kind) for step in steps] == [
        (Verb.REMOVE, "container"),
        (Verb.REMOVE, "volume"),
        (Verb.REMOVE, "network"),
    ]
    assert names(api, stage) == []
    assert api.networks(filters={"name": stage.prefix}) == []
    assert not api.volumes(filters={"name": stage.prefix})["Volumes"]
    assert api.inspect_image(GOOD)["Id"]
    assert await stage.plan([]) == []


class TestForeign:
    """Things that somebody else made."""

    @pytest.fixture
    def foreign(self, stage: Stage, api: Any) -> str:
        made = api.create_container(
            GOOD,
            name=f"{stage.prefix}-web-1",
            host_config=api.create_host_config(mem_limit=20 << 20, cpu_quota=50_000, cpu_period=100_000),
        )
        api.start(made["Id"])
        identity: str = made["Id"]
        return identity

    async def test_a_container_with_our_name_is_refused_and_stays(self, stage: Stage, api: Any, foreign: str) -> None:
        with pytest.raises(PolicyError, match=f"there is a container {stage.prefix}-web-1 that Trellis did not make"):
            await stage.plan(stage.whole())
        step = Step(stage.key("container", "web-1"), Verb.CREATE, "not there yet", stage.container())
        with pytest.raises(ApplyError, match="that Trellis did not make"):
            await stage.apply(step)
        assert api.inspect_container(foreign)["State"]["Running"]

    async def test_it_is_left_alone_when_the_name_is_not_needed(self, stage: Stage, foreign: str) -> None:  # noqa: ARG002
        [step] = await stage.plan([])
        assert (step.verb, step.reason) == (Verb.KEEP, "not Trellis's; left alone")

    async def test_what_it_takes_is_counted(self, stage: Stage, foreign: str) -> None:  # noqa: ARG002
        elsewhere = await stage.provider.foreign_use(stage.session, stage.scope)
        await stage.up(stage.around())
        own = await stage.provider.foreign_use(stage.session, stage.scope)
        assert own.cpu >= 0.5
        assert own.memory >= 20 << 20
        assert own == elsewhere

    async def test_volumes_and_networks_with_our_names_are_refused(self, stage: Stage, api: Any) -> None:
        api.create_network(stage.prefix)
        api.create_volume(f"{stage.prefix}-data")
        for resource in stage.around()[1:]:
            step = Step(resource.key, Verb.CREATE, "not there yet", resource)
            with pytest.raises(ApplyError, match=f"there is a {resource.key.kind} .* that Trellis did not make"):
                await stage.apply(step)
            with pytest.raises(ApplyError, match="that Trellis did not make"):
                await stage.apply(Step(resource.key, Verb.REMOVE, "no longer in the stack"))
        assert api.inspect_volume(f"{stage.prefix}-data")
        assert api.inspect_network(stage.prefix)

    async def test_a_container_of_an_image_committed_from_ours_is_not_ours(self, stage: Stage, api: Any) -> None:
        await stage.up(stage.whole())
        copy = api.commit(f"{stage.prefix}-web-1", repository=f"{stage.stack}/copy", tag="1")
        made = api.create_container(copy["Id"], name=f"{stage.prefix}x-copy")
        try:
            await stage.up(stage.whole(BETTER))
            await stage.up([])
            assert api.inspect_container(made["Id"])["Name"] == f"/{stage.prefix}x-copy"
        finally:
            api.remove_container(made["Id"], force=True)
            api.remove_image(copy["Id"], force=True)
