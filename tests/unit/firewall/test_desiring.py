"""From a placed stack to each host's rules: who is let in, and why."""

from collections.abc import Callable
from dataclasses import replace

from trellis.deployment import Door, HostAddress
from trellis.firewall.addressing import container_macs
from trellis.firewall.desiring import rulesets
from trellis.firewall.ground import Ground
from trellis.firewall.model import ANYONE, Allowance, Exit, Guard, Limit, Opening, Ruleset, Target

MakeGround = Callable[..., Ground]


def test_a_port_is_open_to_the_hosts_of_its_clients_to_operators_and_to_nobody_else(ground: MakeGround) -> None:
    rules = rulesets(ground())["a"]
    assert rules.guards == (
        Guard(
            "tcp",
            3306,
            "10.0.0.1",
            "db-1 DB.sql",
            (
                Allowance(("10.0.0.2", "10.0.0.3", "2001:db8::3", "203.0.113.3"), (), "Web.db connects to DB.sql"),
                Allowance(("198.51.100.7",), (), "Data.backup allows it from 198.51.100.7"),
                Allowance(("203.0.113.0/24",), (), "DB.office allows it from 203.0.113.0/24"),
            ),
        ),
    )
    assert rules.ssh_ports == (22,)
    assert rules.needed


def test_a_balancer_s_port_is_open_to_the_clients_of_the_endpoint_that_it_offers(ground: MakeGround) -> None:
    made = ground(egress="declared")
    door = Door("DB", "sql", "b", HostAddress("10.0.0.2", 13306))
    rules = rulesets(replace(made, deployment=replace(made.deployment, doors=(door,))))
    (guard,) = [guard for guard in rules["b"].guards if guard.port == 13306]
    assert (guard.address, guard.serves) == ("", "a balancer's DB.sql")
    assert guard.allowed == (Allowance(made.networks("Web"), made.macs("Web", "b"), "Web.db connects to DB.sql"),)
    assert not guard.public
    assert Target("tcp", 13306, made.addresses("b"), "Web.db connects to DB.sql") in rules["c"].limits[0].allowed
    assert 13306 not in {guard.port for guard in rules["a"].guards}


def test_a_public_port_is_open_to_anyone(ground: MakeGround) -> None:
    rules = rulesets(ground())["c"]
    assert [(guard.port, guard.allowed) for guard in rules.guards] == [
        (8080, (Allowance(ANYONE, (), "Web.http is public"),))
    ]
    assert rules.ssh_ports == (2222,)
    assert not Ruleset(rules.guards).needed


def test_on_a_client_s_host_only_its_own_containers_may_use_the_path(ground: MakeGround) -> None:
    made = ground()
    assert rulesets(made)["c"].exits == (
        Exit("tcp", (("10.0.0.1", 3306),), made.macs("Web", "c"), "Web.db connects to DB.sql"),
    )
    assert rulesets(made)["a"].exits == ()


def test_actual_leaves_out_hosts_where_clients_do_not_run_now(ground: MakeGround) -> None:
    potential = rulesets(ground())["a"].guards[0].allowed[0].networks
    actual = rulesets(ground(mode="actual"))["a"].guards[0].allowed[0].networks
    assert set(actual) <= set(potential)
    assert "10.0.0.2" in actual  # one on each host of the role


def test_a_client_on_the_same_host_is_known_by_its_containers(ground: MakeGround) -> None:
    made = ground()
    pinned_beside = made.deployment.instances
    web_on_b = next(one for one in pinned_beside if one.service.name == "Web" and one.host.name == "b")
    assert made.macs("Web", "b") != ()
    assert set(container_macs(web_on_b.name)) <= set(made.macs("Web", "b"))
    assert made.macs("Web", "a") == ()


def test_egress_is_limited_to_what_is_declared_when_the_environment_says_so(ground: MakeGround) -> None:
    assert rulesets(ground())["c"].limits == ()
    made = ground(egress="declared")
    (web,) = [one for one in made.deployment.instances if one.service.name == "Web" and one.host.name == "c"]
    assert rulesets(made)["c"].limits == (
        Limit(
            f"web-{web.index}",
            container_macs(web.name),
            (
                Target("tcp", 443, ("203.0.113.0/24",), "Web.payments allows it to 203.0.113.0/24"),
                Target("tcp", 3306, ("10.0.0.1",), "Web.db connects to DB.sql"),
                Target("udp", 0, ("2001:db8::/32",), "Front.probes allows it to 2001:db8::/32"),
            ),
        ),
    )
    assert rulesets(made)["a"].limits[0].allowed == ()


def test_an_exclusive_host_opens_the_ports_that_operators_asked_for(ground: MakeGround) -> None:
    rules = rulesets(ground(exclusive=True))["a"]
    assert rules.exclusive
    assert rules.openings == (Opening("tcp", 9100, ("198.51.100.8",), "Data.metrics allows it from 198.51.100.8"),)


def test_the_two_addresses_of_a_container_are_local_and_differ() -> None:
    first, second = container_macs("shop-dev-web-1")
    assert first != second
    assert first[:-1] == second[:-1]
    assert int(first[:2], 16) & 0b11 == 0b10  # locally administered, one receiver
    assert container_macs("shop-dev-web-1") == (first, second)
    assert container_macs("shop-dev-web-2")[0] != first
