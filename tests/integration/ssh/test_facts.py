"""What is found out about a host over ssh, by accounts with different rights."""

import pytest

from trellis.facts.gathering import gather_facts
from trellis.facts.judging import shortcomings

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("user", "account", "data_dir"),
    [
        ("root", "root root", "/var/lib/trellis"),
        ("deploy", "deploy sudo", "/var/lib/trellis"),
        ("keeper", "keeper sudo", "/var/lib/trellis"),
        ("careful", "careful sudo", "/var/lib/trellis"),
        ("builder", "builder plain", "/home/builder/.local/share/trellis"),
    ],
)
async def test_every_account_that_reaches_the_engine_knows_its_version(user, account, data_dir, connect, lab, lab_host):
    facts = await gather_facts(await connect(lab_host(lab, "h1", user=user)))
    assert (facts.account, facts.data_dir) == (account, data_dir)
    assert facts.docker.startswith("20.10") or int(facts.docker.split(".")[0]) > 20
    assert "docker_problem" not in facts.extra
    assert facts.os == "debian 12"
    assert [(one.name, one.internet_facing) for one in facts.interfaces if one.name == "eth0"] == [("eth0", False)]
    assert ("tcp", 22) in facts.listening
    assert len(shortcomings(facts)) == (user == "builder")


async def test_an_account_with_neither_is_told_both(connect, lab, lab_host):
    facts = await gather_facts(await connect(lab_host(lab, "h1", user="plain")))
    assert [one.what for one in shortcomings(facts)] == [
        "the account may not use Docker Engine",
        "the account plain has neither root nor sudo",
    ]


async def test_memory_limits_of_the_host_are_respected(connect, new_lab, lab_host):
    lab = new_lab(1, memory=[384])
    facts = await gather_facts(await connect(lab_host(lab, "h1")))
    assert facts.memory == 384 * MIB


async def test_a_host_without_docker_is_told_how_to_get_it(connect, new_lab, lab_host):
    lab = new_lab(1, bare=True)
    found = shortcomings(await gather_facts(await connect(lab_host(lab, "h1"))))
    assert [one.what for one in found] == ["there is no Docker Engine"]
