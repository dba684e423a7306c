"""The pace of a rollout, and where it leaves a gap that the plan has to tell."""

from collections.abc import Sequence
from dataclasses import replace

from trellis.blueprint import Blueprint, EndpointSpec, MountSpec, ServiceSpec, SiteSpec, UpdateSpec
from trellis.deployment import DeployedInstance, Deployment, HostAddress
from trellis.desiring.overlapping import places_to_change
from trellis.hosts import Host
from trellis.plans import Step, Verb
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.rolling import gaps, overlaps, paced, rolling
from trellis.values import freeze_mapping

WEB = ServiceSpec(
    "Web", "web:1", endpoints=(EndpointSpec("http", 8080),), sites=(SiteSpec("public", "http", "shop.example"),)
)


def spec(port: int) -> dict[str, object]:
    return {"ports": [{"endpoint": "http", "protocol": "tcp", "host_port": port}]}


def replaced(index: int, before: int = 20001, after: int = 20001) -> Step:
    key = ResourceKey("container", f"web-{index}", "a")
    owner = Owner("Front", "Web", index)
    return Step(
        key,
        Verb.REPLACE,
        "image 1 → 2",
        Resource(key, freeze_mapping(spec(after)), owner),
        Actual(key, freeze_mapping(spec(before)), {}, owner),
    )


def deployed(service: ServiceSpec, count: int) -> Deployment:
    host = Host("a", address="10.0.0.1")
    instances = tuple(
        DeployedInstance(service, "Front", index, host, f"s-e-web-{index}", {"http": HostAddress("10.0.0.1", 20001)})
        for index in range(1, count + 1)
    )
    return Deployment("e", Blueprint("s", (service,)), {}, {"a": host}, {}, instances, ())


def order(service: ServiceSpec, steps: Sequence[Step]) -> dict[str, list[str]]:
    found = {
        key.name: sorted(other.name for other in needs) for key, needs in rolling(steps, Blueprint("s", (service,)))
    }
    return {name: needs for name, needs in found.items() if needs}


def test_canaries_come_first_and_alone_and_are_watched_and_batches_pause():
    service = replace(WEB, update=UpdateSpec(batch=2, pause=5.0, canary=1, watch=8.0))
    steps = [replaced(index) for index in range(1, 6)]
    assert order(service, steps) == {
        "web-2": ["web-1"],
        "web-3": ["web-1"],
        "web-4": ["web-2", "web-3"],
        "web-5": ["web-2", "web-3"],
    }
    pace = {step.key.name: (step.pause, step.watch) for step in paced(steps, Blueprint("s", (service,)))}
    assert pace == {"web-1": (0, 8), "web-2": (5, 0), "web-3": (5, 0), "web-4": (5, 0), "web-5": (5, 0)}


def test_the_only_instance_leaves_a_gap_and_the_plan_says_what_helps():
    (said,) = gaps([replaced(1)], deployed(WEB, 1))
    assert said == (
        "Web does not answer while web-1 is replaced: it is its only instance, and the old one stops before the new "
        "one starts. rollout=Rollout(start_first=True) leaves no gap, nor do two instances"
    )
    kept = replace(WEB, mounts=(MountSpec("data", "/data"),))
    assert "cannot be helped" in next(gaps([replaced(1)], deployed(kept, 1)))
    together = replace(WEB, update=UpdateSpec(batch=2))
    assert "all of its instances stop at once" in next(gaps([replaced(1), replaced(2)], deployed(together, 2)))


def test_no_gap_is_told_where_there_is_none():
    two = [replaced(1), replaced(2)]
    assert list(gaps(two, deployed(WEB, 2))) == []
    assert list(gaps([replaced(1)], deployed(replace(WEB, sites=()), 1))) == []
    first = replace(WEB, update=UpdateSpec(start_first=True))
    assert list(gaps([replaced(1, 20001, 20002)], deployed(first, 1))) == []
    assert "start_first needs endpoints whose ports" in next(gaps([replaced(1)], deployed(first, 1)))
    assert not overlaps(replaced(1, 20001, 20002), WEB)


def test_what_starts_first_gets_another_port_unless_somebody_was_told_the_old_one():
    first = replace(WEB, update=UpdateSpec(start_first=True))
    assert places_to_change([replaced(1)], deployed(first, 1)) == {("a", "web-1", "http")}
    assert places_to_change([replaced(1)], deployed(WEB, 1)) == frozenset()
    fixed = replace(first, endpoints=(EndpointSpec("http", 8080, host_port=80),))
    assert places_to_change([replaced(1)], deployed(fixed, 1)) == frozenset()
