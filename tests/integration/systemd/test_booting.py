"""What a host does by itself under a real systemd: rules and hooks come back with a reboot, timers run."""

import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trellis.firewall.model import Guard, Ruleset
from trellis.firewall.provider import FirewallProvider
from trellis.firewall.resources import OPENING, name_of
from trellis.hosts import Completed, Host
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_iptables.backend import Iptables
from trellis_nftables.backend import Nftables

ROOT = Path(__file__).parents[3]
IMAGE = "trellis-test/systemd:1"
RULES = Ruleset((Guard("tcp", 23306, "", "db-1 DB.sql", ()),), ssh_ports=(22,))
ALLOWED = (
    "--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined",
)  # fmt: skip


@dataclass
class Machine:
    """A container whose process 1 is systemd; as a session, it is a host that is reached past ssh."""

    name: str
    host: Host

    def do(self, *argv: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        command = ["docker", "exec", "-i", self.name, *argv]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)

    def says(self, *argv: str) -> str:
        return self.do(*argv).stdout.decode().strip()

    def reboot(self) -> None:
        subprocess.run(["docker", "restart", "-t", "20", self.name], check=True, capture_output=True, timeout=90)
        self.until_up()

    def until_up(self) -> None:
        deadline = time.monotonic() + 60
        while self.says("systemctl", "is-system-running") != "running":
            assert time.monotonic() < deadline, self.says("systemctl", "--failed", "--no-legend")
            time.sleep(0.2)

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", sudo: bool = False, timeout: float = 60.0
    ) -> Completed:
        del sudo, timeout
        ended = self.do(*argv, stdin=stdin)
        return Completed(tuple(argv), ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    async def close(self) -> None:
        """There is nothing to end."""

    async def connect(self, host: Host) -> Any:
        """A new session, as a connector gives."""
        del host
        return self


@pytest.fixture(scope="module")
def machine(built_images: Callable[..., None]) -> Iterator[Machine]:
    built_images(IMAGE)
    name = f"systemd-{uuid.uuid4().hex[:8]}"
    mounts = ("--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp", "-v=/sys/fs/cgroup:/sys/fs/cgroup:rw")
    subprocess.run(
        ["docker", "run", "-d", "--name", name, "--hostname", "boots", *ALLOWED, *mounts, IMAGE],
        check=True,
        capture_output=True,
    )
    try:
        made = Machine(name, Host("boots"))
        made.until_up()
        yield made
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


@pytest.mark.parametrize("backend", [Nftables(), Iptables()], ids=lambda one: str(one.name))
async def test_firewall_rules_come_back_when_the_host_boots_and_go_without_a_trace(machine: Any, backend: Any) -> None:
    provider, scope = FirewallProvider({backend.name: backend}), Scope("shop", "prod")
    applying = Applying(machine, scope, print, connector=machine)
    key = ResourceKey(OPENING, name_of("shop", "prod"), "boots")
    resource = Resource(key, freeze_mapping({"provider": backend.name, "rules": RULES.spec()}))
    step = Step(key, Verb.CREATE, "new rules", resource)
    await provider.apply(step, applying)
    before = await provider.observe(machine, scope)
    assert machine.says("systemctl", "is-enabled", "trellis-boot.service") == "enabled"
    verified = machine.do("systemd-analyze", "verify", "trellis-boot.service")
    assert (verified.returncode, verified.stderr) == (0, b"")

    machine.reboot()
    assert machine.says("systemctl", "show", "--value", "-p", "Result,ActiveState", "trellis-boot.service").split() == [
        "success",
        "active",
    ]
    assert await provider.observe(machine, scope) == before
    assert [provider.decide(resource, one, b"").verb for one in before] == [Verb.KEEP, Verb.KEEP]
    order = machine.says("systemctl", "show", "--value", "-p", "Before", "trellis-boot.service")
    assert {"network-pre.target", "docker.service"} <= set(order.split())

    await provider.apply(Step(key, Verb.REMOVE, "gone", actual=before[0]), applying)
    assert machine.says("systemctl", "show", "--value", "-p", "LoadState", "trellis-boot.service") == "not-found"
    assert machine.says("sh", "-c", "ls -d /etc/trellis /etc/systemd/system/trellis* 2>/dev/null") == ""
    machine.reboot()
    assert "23306" not in machine.says("sh", "-c", "nft list ruleset; iptables-save")


def test_the_units_of_the_how_to_page_are_right_and_the_timer_runs_the_renewal(machine: Machine) -> None:
    page = (ROOT / "docs/how-to/serve-sites-over-tls.md").read_text()
    units = re.findall(r":caption: (/etc/systemd/system/\S+)\n\n(.*?)```", page, flags=re.DOTALL)
    assert [Path(path).name for path, _ in units] == ["trellis-renew.service", "trellis-renew.timer"]
    for path, text in units:
        machine.do("sh", "-c", 'cat >"$0"', path, stdin=text.encode())
    program = b'#!/bin/sh\necho "$PWD $(id -un): $*" >/srv/shop/said\n'
    machine.do("sh", "-c", "useradd deploy; mkdir -p /srv/shop /opt/trellis/bin; chown deploy /srv/shop")
    machine.do("sh", "-c", "cat >/opt/trellis/bin/trellis; chmod 755 /opt/trellis/bin/trellis", stdin=program)
    names = [Path(path).name for path, _ in units]
    verified = machine.do("systemd-analyze", "verify", *names)
    assert (verified.returncode, verified.stderr) == (0, b"")

    machine.do("systemctl", "enable", "--now", "trellis-renew.timer")
    assert machine.says("systemctl", "is-active", "trellis-renew.timer") == "active"
    assert machine.says("systemctl", "show", "--value", "-p", "NextElapseUSecRealtime", "trellis-renew.timer")
    assert machine.do("systemctl", "start", "trellis-renew.service").returncode == 0
    assert machine.says("cat", "/srv/shop/said") == "/srv/shop deploy: renew -e prod"
