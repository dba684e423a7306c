"""What Docker's JSON means."""

from datetime import UTC, datetime
from typing import Any

from trellis.hosts import ForeignUse
from trellis.plugin.contracts import Scope
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import freeze_mapping, masked
from trellis_docker import facts
from trellis_docker.labels import labels_for

SCOPE = Scope("shop", "prod", (ResourceKey("image", "shop/db:1", "ny1"),))
WEBSITE = Resource(
    ResourceKey("container", "website-1", "ny1"),
    freeze_mapping({"name": "shop-prod-website-1", "image": "shop/website:7.1", "cpu": 0.5, "memory": 1000}),
    Owner("Web", "Website", 1),
)


def inspected(name: str = "shop-prod-website-1", **changes: Any) -> dict[str, Any]:
    """An answer of Docker 20.10, shortened."""
    return {
        "Id": f"id of {name}",
        "Created": "2026-01-01T00:00:00Z",
        "Name": f"/{name}",
        "Image": "sha256:old",
        "RestartCount": 2,
        "State": {"Status": "running", "StartedAt": "2026-01-02T03:04:05.678901234Z", "ExitCode": 0},
        "Config": {"Image": "shop/website:7.1", "Labels": labels_for(WEBSITE, SCOPE)},
        "HostConfig": {
            "NetworkMode": "shop-prod",
            "Memory": 1000,
            "CpuShares": 512,
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {"8080/tcp": [{"HostIp": "10.0.0.11", "HostPort": "20002"}], "53/udp": None},
        },
        "NetworkSettings": {"Networks": {"shop-prod": {"NetworkID": "n1"}}},
        **changes,
    }


NETWORK = {"Name": "shop-prod", "Id": "n1", "Driver": "bridge", "Created": "2026", "Labels": {}}


def only(found: facts.Found) -> Actual:
    [actual] = [one for one in facts.actuals(found, SCOPE, "ny1") if one.key.kind == "container"]
    return actual


def test_a_container_s_state() -> None:
    actual = only(facts.Found([inspected()], images={"shop/website:7.1": {"Id": "sha256:new"}}))
    assert (actual.key, actual.owner, actual.foreign) == (WEBSITE.key, WEBSITE.owner, False)
    assert dict(actual.spec) == dict(WEBSITE.spec)
    assert masked(actual.state) == {
        "id": "id of shop-prod-website-1",
        "name": "shop-prod-website-1",
        "status": "running",
        "running": True,
        "health": "none",
        "image": "shop/website:7.1",
        "image_id": "sha256:old",
        "image_now": "sha256:new",
        "started_at": "2026-01-02T03:04:05.678901234Z",
        "exit_status": 0,
        "out_of_memory": False,
        "restarts": 2,
        "ports": [{"container_port": 8080, "protocol": "tcp", "host_ip": "10.0.0.11", "host_port": 20002}],
        "memory": 1000,
        "cpu_shares": 512,
        "restart_policy": "unless-stopped",
        "networks": ["shop-prod"],
        "current": True,
        "previous": False,
        "unrecorded": False,
        "spare_image": "",
    }


def test_a_twin_that_waits_is_told_of_and_the_one_with_the_name_counts() -> None:
    waiting = inspected("shop-prod-website-1.previous", Created="2027")
    actual = only(facts.Found([waiting, inspected()]))
    assert (actual.state["name"], actual.state["previous"]) == ("shop-prod-website-1", True)


def test_a_twin_alone_is_the_container() -> None:
    actual = only(facts.Found([inspected("shop-prod-website-1.previous")]))
    assert (actual.state["current"], actual.state["previous"]) == (False, True)


def test_a_network_that_was_made_anew_is_not_the_one_it_is_on() -> None:
    anew = {**NETWORK, "Id": "n2", "Labels": {}}
    assert only(facts.Found([inspected()], networks=[anew])).state["networks"] == ()
    assert only(facts.Found([inspected()], networks=[NETWORK])).state["networks"] == ("shop-prod",)


def test_containers_of_other_environments_are_not_ours() -> None:
    labels = labels_for(WEBSITE, Scope("shop", "dev"))
    other = inspected("shop-dev-website-1", Config={"Image": "x", "Labels": labels})
    assert facts.actuals(facts.Found([other]), SCOPE, "ny1") == []


def test_of_two_networks_with_one_name_the_oldest_counts() -> None:
    resource = Resource(ResourceKey("network", "shop-prod", "ny1"), freeze_mapping({"name": "shop-prod"}))
    labels = labels_for(resource, SCOPE)
    twice = [{**NETWORK, "Id": f"n{year}", "Created": year, "Labels": labels} for year in ("2027", "2026")]
    [actual] = facts.actuals(facts.Found(networks=twice), SCOPE, "ny1")
    assert masked(actual.state) == {"id": "n2026", "driver": "bridge", "copies": 2}


def test_the_images_that_are_asked_about() -> None:
    assert facts.references(facts.Found([inspected()]), SCOPE) == {"shop/db:1", "shop/website:7.1"}


def test_foreign_things_on_our_names() -> None:
    found = facts.Found(
        listed=[{"Names": ["/shop-prod-web-9"], "Labels": {}}, {"Names": ["/else"], "Labels": {}}],
        networks=[NETWORK, {"Name": "bridge", "Id": "b", "Labels": {}}],
        volumes=[{"Name": "shop-prod-data", "Labels": None}, {"Name": "shop-production", "Labels": None}],
    )
    keys = [(one.key.kind, one.key.name, one.foreign) for one in facts.actuals(found, SCOPE, "ny1")]
    assert keys == [
        ("container", "web-9", True),
        ("network", "shop-prod", True),
        ("volume", "shop-prod-data", True),
    ]


def listed(state: str = "running", labels: Any = None, ports: Any = ()) -> dict[str, Any]:
    return {"State": state, "Labels": labels, "Ports": ports}


def limited(**limits: Any) -> dict[str, Any]:
    return {"Config": {"Labels": {}}, "HostConfig": limits}


def test_what_others_use() -> None:
    ports = [{"PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 9, "Type": "udp"}]
    use = facts.foreign_use(
        [
            listed(ports=ports),
            listed("exited", ports=[{"PublicPort": 1, "Type": "tcp"}]),
            listed(labels=labels_for(WEBSITE, SCOPE), ports=[{"PublicPort": 2, "Type": "tcp"}]),
        ],
        [
            limited(NanoCpus=1_500_000_000, Memory=100),
            limited(CpuQuota=50_000, MemoryReservation=10),
            limited(CpuQuota=-1, Memory=0),
            {"Config": {"Labels": labels_for(WEBSITE, Scope("shop", "dev"))}, "HostConfig": {}},
        ],
        SCOPE,
    )
    assert use == ForeignUse(cpu=2.5, memory=1110, ports=frozenset({("tcp", 8080)}))


def test_age() -> None:
    now = datetime(2026, 1, 2, 3, 4, 15, tzinfo=UTC)
    assert round(facts.age(only(facts.Found([inspected()])), now), 1) == 9.3
    assert facts.age(Actual(WEBSITE.key), now) == float("inf")
