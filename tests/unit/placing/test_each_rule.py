"""Each rule that a service may have, alone: where it sends an instance, and what is said where no host is left."""

from dataclasses import replace

import pytest

from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    Placement,
    Problem,
    Running,
    Workload,
    place,
)

GIB = 1 << 30
ONE = InstancePolicy(1, 1, Counting.PER_ROLE)
WEB = Workload("web", "web", ONE)
SMALL = HostOffer("ny1", frozenset({"web"}), capacity=Capacity(4, 8 * GIB, 10 * GIB, 10**9))
LARGE = replace(SMALL, name="ny2", capacity=Capacity(8, 16 * GIB, 20 * GIB, 2 * 10**9))


def hosts_of(placement: Placement) -> list[str]:
    return [placed.host for placed in placement.instances]


@pytest.mark.parametrize(
    ("needs", "short"),
    [
        (Needs(cpu=5), "web needs 5 cores an instance; the best host, ny1, is 1 core short"),
        (Needs(memory=9 * GIB), "web needs 9 GiB memory an instance; the best host, ny1, is 1 GiB memory short"),
        (Needs(disk=12 * GIB), "web needs 12 GiB disk an instance; the best host, ny1, is 2 GiB disk short"),
        (
            Needs(network=1_100_000_000),
            "web needs 1.1 Gbit/s network an instance; the best host, ny1, is 100 Mbit/s network short",
        ),
    ],
)
def test_each_dimension_blocks_alone_and_is_named(needs: Needs, short: str) -> None:
    load = replace(WEB, needs=needs)
    assert place(Problem((SMALL,), (load,))).shortfalls[0].reasons[0] == short
    assert hosts_of(place(Problem((SMALL, LARGE), (load,)))) == ["ny2"]


@pytest.mark.parametrize("dimension", ["cpu", "memory", "disk", "network"])
def test_what_runs_takes_its_share_of_each_dimension(dimension: str) -> None:
    need = {"cpu": 3, "memory": 6 * GIB, "disk": 6 * GIB, "network": 6 * 10**8}[dimension]
    loads = (replace(WEB, needs=Needs(**{dimension: need})), Workload("db", "web", ONE, Needs(**{dimension: need})))
    running = (Running("db", "web", 1, "ny1"),)
    assert len(place(Problem((SMALL,), loads, running)).shortfalls) == 1
    where = {p.service: p.host for p in place(Problem((SMALL, LARGE), loads, running)).instances}
    assert where == {"db": "ny1", "web": "ny2"}


@pytest.mark.parametrize(
    ("fact", "wanted", "said"),
    [
        ("docker", ">=20", "docker is 18.3, not >=20"),
        ("os", "debian 12", "os is ubuntu 24.04, not debian 12"),
        ("kernel", ">=6", "has no fact kernel"),
    ],
)
def test_only_on_hosts_that_have_the_fact(fact: str, wanted: str, said: str) -> None:
    old = replace(SMALL, facts={"docker": "18.3", "os": "ubuntu 24.04"})
    new = replace(LARGE, facts={"docker": "24.0.7", "os": "debian 12", "kernel": "6.1"})
    load = replace(WEB, requires_facts={fact: wanted})
    assert hosts_of(place(Problem((old, new), (load,)))) == ["ny2"]
    assert place(Problem((old,), (load,))).shortfalls[0].reasons == (
        "web has no host that it may run on, of 1 that carry web",
        f"ny1: {said}",
    )


def test_only_where_a_storage_is_active_and_not_moved_from_there() -> None:
    load = replace(WEB, storage_on={"data": ("ny1",)}, relocatable="yes")
    assert hosts_of(place(Problem((SMALL, LARGE), (load,)))) == ["ny1"]
    drained = place(Problem((replace(SMALL, draining=True), LARGE), (load,), (Running("web", "web", 1, "ny1"),)))
    assert [(p.host, p.reason) for p in drained.instances] == [
        ("ny1", "keeps its host although it is draining: web stays with its storage data")
    ]
    short = place(Problem((LARGE,), (load,))).shortfalls[0]
    assert short.reasons[1] == "ny2: storage data is active on ny1"


def test_an_instance_on_a_host_where_its_storage_is_no_longer_active_goes_to_where_it_is() -> None:
    load = replace(WEB, storage_on={"data": ("ny2",)})
    placement = place(Problem((SMALL, LARGE), (load,), (Running("web", "web", 1, "ny1"),)))
    assert hosts_of(placement) == ["ny2"]
    assert placement.instances[0].reason.startswith("leaves ny1: storage data is active on ny2; ")


def test_a_draining_host_gets_nothing_new() -> None:
    assert hosts_of(place(Problem((replace(SMALL, draining=True), LARGE), (WEB,)))) == ["ny2"]
