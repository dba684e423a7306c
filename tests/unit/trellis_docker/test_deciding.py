"""Every decision has its verb, its sentence, and says whether somebody else is behind it."""

from collections.abc import Mapping
from typing import Any

import pytest

from trellis.errors import PolicyError
from trellis.plans import Change, Decision, Verb
from trellis.plugin.contracts import Scope
from trellis.resources import Actual, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_docker.deciding import decide, drift
from trellis_docker.labels import labels_for, spec_of
from trellis_dsl.secret import Secret

SCOPE = Scope("shop", "prod", salt=b"salt")
KEY = ResourceKey("container", "website-1", "ny1")
SPEC: Mapping[str, object] = {
    "name": "shop-prod-website-1",
    "image": "shop/website:7.1",
    "env": {"WORKERS": "4", "DB": "10.0.0.11:20001", "PASSWORD": Secret("hunter2")},
    "network": "shop-prod",
    "aliases": ["website-1", "website"],
    "ports": [{"endpoint": "http", "container_port": 8080, "host_ip": "10.0.0.11", "host_port": 20002}],
    "mounts": [{"type": "volume", "source": "shop-prod-data", "target": "/data"}],
    "cpu": 1.0,
    "memory": 256 << 20,
    "stop_grace": 10.0,
    "files": "abc",
    "health": {"kind": "http", "path": "/healthz", "port": 20002},
}
STATE: Mapping[str, object] = {
    "id": "c1",
    "name": "shop-prod-website-1",
    "status": "running",
    "image_id": "sha256:1",
    "image_now": "sha256:1",
    "memory": 256 << 20,
    "cpu_shares": 1024,
    "restart_policy": "unless-stopped",
    "networks": ["shop-prod"],
    "previous": False,
}


def wanted(**changes: object) -> Resource:
    return Resource(KEY, freeze_mapping({**SPEC, **changes}))


def found(made_from: Resource | None = None, **state: object) -> Actual:
    """What an observation gives of a container that was made from a resource."""
    spec = spec_of(labels_for(made_from or wanted(), SCOPE))
    return Actual(KEY, spec, freeze_mapping({**STATE, **state}))


def decided(desired: Resource | None, actual: Actual | None) -> Decision:
    return decide(desired, actual, SCOPE.salt)


def test_nothing_there_is_created() -> None:
    assert decided(wanted(), None) == Decision(Verb.CREATE, "not there yet")


def test_nothing_wanted_is_removed() -> None:
    assert decided(None, found()) == Decision(Verb.REMOVE, "no longer in the stack")


def test_the_same_is_kept() -> None:
    assert decided(wanted(), found()) == Decision(Verb.KEEP, "already equal")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": "shop/website:7.2"}, "image 7.1 → 7.2"),
        ({"image": "shop/website"}, "image 7.1 → latest"),
        ({"image": "shop/website@sha256:12"}, "image 7.1 → sha256:12"),
        ({"image": "other/website:7.1"}, "image shop/website:7.1 → other/website:7.1"),
        ({"env": {**SPEC["env"], "WORKERS": "8"}}, "environment changed: WORKERS"),  # type: ignore[dict-item]
        ({"env": {**SPEC["env"], "PASSWORD": Secret("x")}}, "environment changed: PASSWORD"),  # type: ignore[dict-item]
        ({"env": {"WORKERS": "4", "NEW": "1"}}, "environment changed: DB, NEW, PASSWORD"),
        ({"command": ["serve"]}, "command changed"),
        ({"user": "web"}, "user the image's own → web"),
        ({"network": "host"}, "network shop-prod → host"),
        ({"aliases": ["website-1"]}, "names on the network changed"),
        ({"stop_grace": 30.0}, "time to stop 10 s → 30 s"),
        ({"files": "def"}, "files changed"),
        ({"labels": {"team": "web"}}, "labels changed: team"),
        ({"ports": []}, "ports http 10.0.0.11:20002 → none"),
        ({"mounts": []}, "mounts changed: /data"),
        ({"memory": 0}, "memory limit 256 MiB → none"),
        ({"image": "shop/website:7.2", "files": "def"}, "image 7.1 → 7.2; files changed"),
    ],
)
def test_what_needs_a_new_container(changes: dict[str, object], reason: str) -> None:
    decision = decided(wanted(**changes), found())
    assert (decision.verb, decision.reason, decision.drift) == (Verb.REPLACE, reason, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"health": {"kind": "tcp", "port": 20002}},
        {"health": None},
        {"update": {"start_first": True}},
        {"a_field_of_tomorrow": 1},
    ],
)
def test_what_only_trellis_itself_reads_needs_no_new_container(changes: dict[str, object]) -> None:
    assert decided(wanted(**changes), found()) == Decision(Verb.KEEP, "already equal")


def test_the_order_of_ports_and_mounts_does_not_matter() -> None:
    ports = [
        {"endpoint": name, "container_port": 1, "host_ip": "10.0.0.11", "host_port": number}
        for name, number in (("a", 1), ("b", 2))
    ]
    assert decided(wanted(ports=ports), found(wanted(ports=ports[::-1]))).verb is Verb.KEEP


@pytest.mark.parametrize(
    ("changes", "state", "reason", "drift"),
    [
        ({"memory": 512 << 20}, {}, "memory limit 256 MiB → 512 MiB", False),
        ({"cpu": 0.5}, {}, "cpu share 1 cores → 0.5 cores", False),
        ({}, {"memory": 1 << 30}, "memory limit was altered by hand", True),
        ({}, {"cpu_shares": 2}, "cpu share was altered by hand", True),
        ({}, {"restart_policy": "no"}, "restart policy was altered by hand", True),
        ({}, {"status": "exited"}, "was stopped by hand", True),
        ({}, {"status": "paused"}, "was paused by hand", True),
        ({}, {"status": "created"}, "was made but never started", False),
        ({}, {"unrecorded": True}, "runs, but the engine could not write that down: its disk was full", False),
        ({}, {"networks": []}, "is not connected to network shop-prod", True),
        ({}, {"previous": True}, "an interrupted replacement is finished", False),
        (
            {},
            {"previous": True, "name": "shop-prod-website-1.previous", "status": "exited"},
            "an interrupted replacement is undone",
            False,
        ),
        ({}, {"previous": True, "name": "mine"}, "was renamed mine by hand", True),
        (
            {"memory": 512 << 20},
            {"status": "exited"},
            "memory limit 256 MiB → 512 MiB; was stopped by hand",
            False,
        ),
    ],
)
def test_what_is_put_right_in_place(
    changes: dict[str, object], state: dict[str, Any], reason: str, *, drift: bool
) -> None:
    decision = decided(wanted(**changes), found(**state))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, reason, drift)


def test_a_limit_that_was_changed_in_place_is_equal_although_the_label_is_older() -> None:
    assert decided(wanted(memory=512 << 20), found(memory=512 << 20)) == Decision(Verb.KEEP, "already equal")


@pytest.mark.parametrize(
    ("changes", "state", "reason", "drift"),
    [
        ({}, {"image_now": "sha256:2"}, "image shop/website:7.1 was built or pulled anew", False),
        ({}, {"status": "dead"}, "is dead", True),
    ],
)
def test_what_is_beyond_repair(changes: dict[str, object], state: dict[str, Any], reason: str, *, drift: bool) -> None:
    decision = decided(wanted(**changes), found(**state))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.REPLACE, reason, drift)


def test_a_limit_that_was_never_asked_for_cannot_be_lifted_in_place() -> None:
    free = wanted(memory=0)
    decision = decided(free, found(free, memory=1 << 30))
    assert (decision.verb, decision.reason, decision.drift) == (
        Verb.REPLACE,
        "memory limit was added by hand",
        True,
    )


def test_an_image_whose_tag_is_gone_is_no_reason() -> None:
    assert decided(wanted(), found(image_now="")).verb is Verb.KEEP


def test_a_container_that_ends_again_and_again_is_told_of() -> None:
    decision = decided(wanted(), found(status="restarting", exit_status=3))
    assert decision == Decision(Verb.KEEP, "already equal, but it ends again and again with exit status 3")


def test_a_label_that_nobody_can_read() -> None:
    decision = decided(wanted(), Actual(KEY, state=freeze_mapping(STATE)))
    assert decision == Decision(Verb.REPLACE, "what it was made from is not known")


def test_changes_show_both_sides_and_no_secret() -> None:
    after = wanted(image="shop/website:7.2", env={**SPEC["env"], "PASSWORD": Secret("hunter3")})  # type: ignore[dict-item]
    decision = decided(after, found())
    assert decision.changes == (
        Change("image", "shop/website:7.1", "shop/website:7.2"),
        Change("env.PASSWORD", "•••", "•••"),
    )
    assert "hunter" not in repr(decision)


@pytest.mark.parametrize("kind", ["network", "volume"])
def test_networks_and_volumes_are_there_or_not(kind: str) -> None:
    resource = Resource(ResourceKey(kind, "shop-prod", "ny1"), freeze_mapping({"name": "shop-prod"}))
    actual = Actual(resource.key, resource.spec)
    assert decided(resource, None).verb is Verb.CREATE
    assert decided(resource, actual) == Decision(Verb.KEEP, "already equal")
    assert decided(None, actual).verb is Verb.REMOVE


def test_a_network_that_a_killed_run_made_twice() -> None:
    resource = Resource(ResourceKey("network", "shop-prod", "ny1"), freeze_mapping({"name": "shop-prod"}))
    actual = Actual(resource.key, resource.spec, freeze_mapping({"copies": 2}))
    assert decided(resource, actual) == Decision(Verb.UPDATE, "is there 2 times after an interrupted run")


def test_images_are_never_removed() -> None:
    actual = Actual(ResourceKey("image", "shop/website:7.1", "ny1"))
    assert decided(None, actual) == Decision(Verb.KEEP, "left on the host: others may use it")


def test_a_foreign_thing_is_left_alone_and_its_name_is_not_taken() -> None:
    actual = Actual(KEY, state=freeze_mapping({"name": "shop-prod-website-1"}), foreign=True)
    assert decided(None, actual) == Decision(Verb.KEEP, "not Trellis's; left alone")
    with pytest.raises(PolicyError) as refusal:
        decided(wanted(), actual)
    assert str(refusal.value) == (
        "host ny1: there is a container shop-prod-website-1 that Trellis did not make, and it needs that name"
    )
    assert refusal.value.hint == "if nobody needs it: docker rename shop-prod-website-1 OTHER"


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({}, ""),
        ({"status": "exited"}, "was stopped by hand"),
        ({"status": "paused", "memory": 64 << 20}, "memory limit was altered by hand; was paused by hand"),
        ({"status": "created"}, ""),
        ({"name": "mine"} | {"previous": True}, "was renamed mine by hand"),
        ({"image_now": "sha256:2"}, ""),
    ],
)
def test_drift_is_told_whatever_the_stack_asks_for_by_now(state: Mapping[str, object], what: str) -> None:
    assert drift(found(wanted(image="shop/website:6.0"), **state)) == what
