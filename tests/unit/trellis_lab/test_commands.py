"""What a lab asks of the engine."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from trellis.errors import UsageError
from trellis_lab import commands
from trellis_lab.model import Design, LabHost

MIB = 1024 * 1024
HOST = LabHost("h1", IPv4Address("10.88.0.11"), 512 * MIB)
DESIGN = Design("demo", IPv4Network("10.88.0.0/24"), (HOST,), "trellis-lab-host:1", "me", process="7-8")


@pytest.mark.parametrize("name", ["", "Lab", "1st", "a_b", "a b", "-a", "a" * 32, "é", "../x"])
def test_names_that_cannot_be(name):
    with pytest.raises(UsageError, match="cannot be a lab's name"):
        commands.check_name(name)


def test_a_name_that_can_be():
    assert commands.check_name("demo-2") == "demo-2"


@pytest.mark.parametrize(
    ("megabytes", "count", "sizes"),
    [((), 2, (0, 0)), ((512,), 2, (512 * MIB,) * 2), ((512, 1024), 2, (512 * MIB, 1024 * MIB))],
)
def test_memory(megabytes, count, sizes):
    assert commands.memory_sizes(megabytes, count) == sizes


@pytest.mark.parametrize(("megabytes", "count"), [((1024, 2048), 3), ((64,), 1), ((-512,), 1), ((), 0), ((), 201)])
def test_memory_that_does_not_match(megabytes, count):
    with pytest.raises(UsageError):
        commands.memory_sizes(megabytes, count)


def test_hosts_get_addresses_in_order_above_the_engines_own():
    assert commands.hosts_in(DESIGN.subnet, (0, MIB)) == (
        LabHost("h1", IPv4Address("10.88.0.11"), 0),
        LabHost("h2", IPv4Address("10.88.0.12"), MIB),
    )


def test_the_lowest_free_subnet_comes_first():
    taken = ["10.88.0.0/24", "10.88.1.128/25", "172.17.0.0/16", "fd00::/64"]
    assert next(commands.free_subnets(taken)) == IPv4Network("10.88.2.0/24")
    assert list(commands.free_subnets(["10.0.0.0/8"])) == []


def test_everything_carries_labels():
    assert commands.network(DESIGN) == {
        "name": "lab-demo",
        "driver": "bridge",
        "labels": {"io.trellis.lab": "demo", "io.trellis.lab.owner": "me", "io.trellis.lab.process": "7-8"},
    }
    assert commands.container(DESIGN, HOST) == {
        "name": "lab-demo-h1",
        "image": "trellis-lab-host:1",
        "hostname": "h1",
        "labels": {
            "io.trellis.lab": "demo",
            "io.trellis.lab.owner": "me",
            "io.trellis.lab.process": "7-8",
            "io.trellis.lab.host": "h1",
            "io.trellis.lab.address": "10.88.0.11",
        },
    }


def test_a_host_is_limited_and_has_a_volume_of_its_own():
    settings = commands.host_settings(DESIGN, HOST, "1")
    assert settings["mem_limit"] == settings["memswap_limit"] == 512 * MIB
    assert settings["binds"] == ["lab-demo-h1-docker:/var/lib/docker", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    assert "privileged" not in settings


def test_where_groups_are_of_version_2_the_host_sees_only_its_own():
    assert commands.host_settings(DESIGN, HOST, "2")["binds"] == ["lab-demo-h1-docker:/var/lib/docker"]


def test_the_hosts_of_an_environment_file():
    assert commands.environment_hosts([HOST], "/k/id", "/k/known_hosts") == {
        "h1": {
            "connect": "ssh://deploy@10.88.0.11",
            "address": "10.88.0.11",
            "roles": [],
            "options": {"identity_file": "/k/id", "known_hosts": "/k/known_hosts"},
        }
    }
