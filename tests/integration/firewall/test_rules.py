"""Limits on the way out, exclusive hosts, the protection against being locked out, and drift, on real hosts."""

import time
from dataclasses import replace
from typing import Any

import pytest

from trellis.errors import ApplyError
from trellis.firewall.model import Guard, Ruleset
from trellis.firewall.provider import FirewallProvider
from trellis.firewall.resources import OPENING, name_of
from trellis.hosts import Host
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_iptables.backend import Iptables
from trellis_nftables.backend import Nftables
from trellis_ssh.connector import SshConnector

BYSTANDER = 18999
CUTTING = Ruleset(exclusive=True, ssh_ports=(2222,))
OWN = Ruleset((Guard("tcp", 23306, "", "db-1 DB.sql", ()),), ssh_ports=(22,))


@pytest.mark.parametrize("provider", ["nftables", "iptables"])
def test_what_an_instance_connects_to_is_limited_to_what_it_declares(wall: Any, provider: str) -> None:
    wall.environment(firewall={"provider": provider, "egress": "declared"}, pins={"Back": ["h1"]})
    wall.up()
    back, native = wall.port("back-1"), (wall.address("h4"), 8080)
    elsewhere = {(wall.address(host), BYSTANDER) for host in ("h1", "h3", "h4")}
    targets = {back, native, *elsewhere}
    monitor = (wall.address("h1"), BYSTANDER)
    assert wall.reached(f"h3/{wall.name}-lab-front-1", targets) == {back, native, monitor}
    assert "Front.monitor allows it to" in wall.trellis("firewall", "check", "front-1", f"h1:{BYSTANDER}")
    assert wall.reached(f"h1/{wall.name}-lab-back-1", targets) == set()
    assert elsewhere <= wall.reached("h3/bystander", targets)
    wall.environment(firewall={"provider": provider}, pins={"Back": ["h1"]})
    assert "front-1 is no longer limited" in wall.up()
    assert elsewhere <= wall.reached(f"h3/{wall.name}-lab-front-1", targets)


def test_an_exclusive_host_lets_in_what_is_declared_and_ssh_alone(wall: Any) -> None:
    wall.environment(exclusive=["h1", "h3"], pins={"Back": ["h1"]})
    wall.up()
    back, front = wall.port("back-1"), wall.port("front-1")
    ssh = {(wall.address(host), 22) for host in ("h1", "h3")}
    bystanders = {(wall.address(host), BYSTANDER) for host in ("h1", "h3")}
    targets = {back, front, *ssh, *bystanders}
    assert wall.reached("h4", targets) == {front, *ssh}
    assert wall.reached("h3", {back}) == {back}
    wall.environment(pins={"Back": ["h1"]})
    wall.up()
    assert bystanders <= wall.reached("h4", targets)


def test_rules_that_were_changed_by_hand_are_shown_and_restored(wall: Any) -> None:
    wall.environment(pins={"Back": ["h1"]})
    wall.up()
    table = f"trellis-{wall.name}-lab"
    wall.lab.execute("h1", "nft", "insert", "rule", "inet", table, "forward", "accept")
    back = wall.port("back-1")
    assert wall.reached("h4", {back}) == {back}
    assert "changed by hand, restored" in wall.trellis("plan")
    wall.up()
    assert wall.reached("h4", {back}) == set()
    wall.lab.execute("h1", "nft", "delete", "table", "inet", table)
    assert "removed by hand, restored" in wall.up()
    assert "No changes" in wall.trellis("plan")


def test_the_commands_say_what_is_open_and_why(wall: Any) -> None:
    shown = wall.trellis("firewall", "show", "--host", "h1")
    assert "Front.back connects to Back.http" in shown
    assert "h1: kept by nftables; other ports are left alone" in shown
    assert "open: front-1 → " in wall.trellis("firewall", "check", "front-1", "back-1:http")
    assert "closed: h4 → " in wall.trellis("firewall", "check", "h4", "back-1:http", status=5)
    assert "is no port of the stack" in wall.trellis("firewall", "check", "h4", f"h1:{BYSTANDER}")


@pytest.mark.parametrize("backend", [Nftables(), Iptables()], ids=lambda one: str(one.name))
async def test_rules_that_would_cut_trellis_off_are_taken_back(wall: Any, lab_host: Any, backend: Any) -> None:
    """The rules think that ssh is at another port, as behind an address translation that nobody told them of."""
    host: Host = lab_host(wall.lab, "h2")
    provider, connector = FirewallProvider({backend.name: backend}, seconds=6), SshConnector()
    session = await connector.connect(host)
    scope = Scope("cut", "off")
    try:
        step = cutting_off(backend.name, scope)
        before = await provider.observe(session, scope)
        with pytest.raises(ApplyError, match="would cut Trellis off"):
            await provider.apply(step, Applying(session, scope, print, connector=connector))
        fresh = await connector.connect(host)
        await fresh.close()
        assert before == await provider.observe(session, scope) == ()
        # Whoever loads them and dies has no connection that could ask for the old ones: the host goes back by itself.
        await provider._stage(step, backend.name, CUTTING, Applying(session, scope, print))
        assert not wall.reached("h1", {(wall.address("h2"), 22)})
        deadline = time.monotonic() + 20
        while not wall.reached("h1", {(wall.address("h2"), 22)}):
            assert time.monotonic() < deadline
    finally:
        await session.run(("rm", "-rf", "/var/lib/trellis/cut"), sudo=True)
        await session.close()


async def test_rules_of_a_run_that_was_killed_before_it_confirmed_them_are_finished_by_the_next(
    wall: Any, lab_host: Any
) -> None:
    host: Host = lab_host(wall.lab, "h4")
    provider, connector = FirewallProvider({"nftables": Nftables()}, seconds=3), SshConnector()
    session = await connector.connect(host)
    scope = Scope("killed", "run")
    applying = Applying(session, scope, print, connector=connector)
    step = Step(
        ResourceKey(OPENING, "killed-run", "h4"),
        Verb.CREATE,
        "new rules",
        Resource(
            ResourceKey(OPENING, "killed-run", "h4"), freeze_mapping({"provider": "nftables", "rules": OWN.spec()})
        ),
    )
    try:
        await provider._stage(step, "nftables", OWN, applying)
        found, _ = await provider.observe(session, scope)
        decision = provider.decide(step.resource, found, b"")
        assert (decision.verb, decision.reason) == (Verb.CREATE, "an earlier run did not finish")
        await provider.apply(step, applying)
        # The watch of the killed run wakes up meanwhile, and has no word any more.
        wall.lab.execute("h4", "sleep", "4")
        found, _ = await provider.observe(session, scope)
        assert provider.decide(step.resource, found, b"").verb is Verb.KEEP
        await provider.apply(replace(step, verb=Verb.REMOVE, resource=None), applying)
        assert await provider.observe(session, scope) == ()
        assert "killed-run" not in wall.lab.execute("h4", "nft", "list", "ruleset")[1]
    finally:
        await session.run(("rm", "-rf", "/var/lib/trellis/killed"), sudo=True)
        await session.close()


def cutting_off(provider: str, scope: Scope) -> Step:
    key = ResourceKey(OPENING, name_of(scope.stack, scope.environment), "h2")
    spec = freeze_mapping({"provider": provider, "rules": CUTTING.spec()})
    return Step(key, Verb.CREATE, "new rules", Resource(key, spec))
