"""What is run on a host to get Docker Engine there."""

import pytest

from trellis.bootstrapping import plan_bootstrap
from trellis.errors import NotAuthorisedError, TrellisError
from trellis.hosts import HostFacts


def facts(**known) -> HostFacts:
    return HostFacts(**{"os": "debian 12", "account": "deploy sudo", "extra": {"init": "systemd"}, **known})


def test_a_host_that_has_one_is_left_alone():
    assert plan_bootstrap("h1", facts(docker="20.10.24", os="alpine 3")) == ()


@pytest.mark.parametrize(
    ("system", "init", "start"),
    [
        ("debian 12", "systemd", ("systemctl", "enable", "--now", "docker")),
        ("ubuntu 24.04", "systemd", ("systemctl", "enable", "--now", "docker")),
        ("debian 12", "host-init", ("service", "docker", "start")),
    ],
)
def test_packages_are_installed_and_the_engine_is_started(system, init, start):
    commands = plan_bootstrap("h1", facts(os=system, extra={"init": init}))
    assert [command.why for command in commands] == [
        "read the lists of packages",
        "install docker.io, containerd, runc, iptables, nftables, ca-certificates",
        "start Docker Engine, now and at every boot",
        "wait until it answers",
    ]
    assert commands[2].argv == start


def test_an_engine_that_is_there_but_silent_is_only_started():
    found = plan_bootstrap("h1", facts(os="fedora 40", extra={"init": "systemd", "docker_problem": "silent"}))
    assert [command.why for command in found] == ["start Docker Engine, now and at every boot", "wait until it answers"]


def test_other_systems_are_not_touched():
    with pytest.raises(TrellisError, match="h1 runs fedora 40; only Debian and Ubuntu are set up from here"):
        plan_bootstrap("h1", facts(os="fedora 40"))


def test_an_account_without_rights_is_told_so():
    with pytest.raises(NotAuthorisedError, match="the account ann on h1 cannot install anything"):
        plan_bootstrap("h1", facts(account="ann plain"))
