"""What facts mean for a host that is to run services."""

from dataclasses import replace

import pytest

from trellis.facts.judging import own_ports, shortcomings, with_foreign_use
from trellis.hosts import ForeignUse, HostFacts
from trellis.resources import Actual, ResourceKey
from trellis.values import freeze_mapping

GOOD = HostFacts(cpus=1, memory=1 << 30, docker="20.10.24+dfsg1", kernel="6.1.0-18-amd64", account="deploy sudo")


def container(name: str, port: int, *, foreign: bool = False, status: str = "running") -> Actual:
    state = freeze_mapping({"ports": [{"protocol": "tcp", "host_port": port}], "status": status})
    return Actual(ResourceKey("container", name, "ny1"), state=state, foreign=foreign)


def test_every_port_that_is_taken_and_not_ours_is_foreign() -> None:
    facts = replace(GOOD, listening=frozenset({("tcp", 22), ("tcp", 80), ("tcp", 20001)}))
    use = ForeignUse(cpu=1.5, memory=10, ports=frozenset({("udp", 53)}))
    told = with_foreign_use(facts, use, [container("web-1", 20001), container("x", 80, foreign=True)])
    assert told.foreign == ForeignUse(1.5, 10, frozenset({("tcp", 22), ("tcp", 80), ("udp", 53)}))


def test_only_containers_take_ports() -> None:
    assert own_ports([Actual(ResourceKey("network", "n", "ny1")), container("web-1", 1)]) == {("tcp", 1)}


def test_a_port_of_a_stopped_container_is_whoever_took_it() -> None:
    assert own_ports([container("web-1", 1, status="exited"), container("web-2", 2, status="restarting")]) == {
        ("tcp", 2)
    }


def test_a_good_host_lacks_nothing() -> None:
    assert shortcomings(GOOD) == ()
    assert shortcomings(replace(GOOD, memory=None, kernel="")) == ()


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (replace(GOOD, docker=""), "there is no Docker Engine"),
        (replace(GOOD, docker="", extra={"docker_problem": "missing"}), "there is no Docker Engine"),
        (replace(GOOD, docker="", extra={"docker_problem": "denied"}), "the account may not use Docker Engine"),
        (replace(GOOD, docker="", extra={"docker_problem": "silent"}), "Docker Engine does not answer"),
        (replace(GOOD, docker="19.03.1"), "Docker Engine 19.03.1 is too old: 20.10 is the oldest that works"),
        (replace(GOOD, kernel="3.10.0-1160.el7"), "kernel 3.10.0-1160.el7 is too old: 4.18 is the oldest that works"),
        (replace(GOOD, memory=128 << 20), "128 MiB of memory is too little: 256 MiB is the least"),
        (replace(GOOD, account="ann plain"), "the account ann has neither root nor sudo"),
    ],
)
def test_what_a_host_lacks(facts: HostFacts, what: str) -> None:
    [found] = shortcomings(facts)
    assert found.what == what
    assert found.hint
