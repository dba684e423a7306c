"""Where rules are kept, by what, and what is said where they cannot be."""

from typing import Any

import pytest

from trellis.errors import ConfigError
from trellis.firewall.resources import Walls, walls
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host, HostFacts, Interface
from trellis.testing.placed import placed
from trellis_dsl import Role, Service, Stack, connects_to, listens, one_per_role, runs
from trellis_iptables.backend import Iptables
from trellis_nftables.backend import Nftables

BACKENDS: Any = {"iptables": Iptables(), "nftables": Nftables()}


def shop() -> Stack:
    stack = Stack("shop")

    @stack.service(image="db:1")
    class DB(Service):
        sql = listens(3306, host_port=3306)

    @stack.service(image="web:1")
    class Web(Service):
        db = connects_to(DB.sql)

    @stack.role
    class Data(Role):
        db = runs(DB, one_per_role)

    @stack.role
    class Front(Role):
        web = runs(Web, one_per_role)

    return stack


def built(
    address: str = "10.0.0.1", provider: str = "", *, tools: str = "nft iptables", account: str = "root"
) -> Walls:
    facts = HostFacts(
        cpus=4.0,
        memory=1 << 34,
        disk=1 << 40,
        account=f"ann {account}",
        interfaces=(Interface("eth0", ("192.168.1.5/24",), default_route=True),),
        extra={"firewall_tools": tools} if tools else {},
    )
    host = Host("a", address=address, roles=("data", "front"))
    settings = FirewallSettings(provider=provider)
    return walls(placed(shop(), [host], firewall=settings, facts={"a": facts}).ground(), BACKENDS)


def providers(found: Walls) -> list[tuple[str, object]]:
    return [(resource.key.kind, resource.spec["provider"]) for resource in found.resources]


@pytest.mark.parametrize(
    ("tools", "named", "provider"),
    [
        ("nft iptables", "", "nftables"),
        ("iptables", "", "iptables"),
        ("nft iptables", "iptables", "iptables"),
    ],
)
def test_a_host_s_rules_are_kept_by_what_it_has_or_by_what_the_environment_names(
    tools: str, named: str, provider: str
) -> None:
    found = built(provider=named, tools=tools)
    assert providers(found) == [("firewall", provider), ("firewall-closing", provider)]
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (built(account="plain"), "its account is neither root nor allowed to use sudo"),
        (built(tools=""), "it has no iptables and no nft"),
        (built(tools="iptables", provider="nftables"), "it has no nft"),
    ],
)
def test_where_no_rules_can_be_kept_a_sentence_says_what_is_open(found: Walls, problem: str) -> None:
    assert found.resources == ()
    rest = "whoever reaches it reaches tcp 3306 (db-1 DB.sql)"
    assert found.warnings == (f"the firewall of a is not kept: {problem}; {rest}",)


def test_a_machine_whose_ports_are_its_own_needs_no_rules_and_no_rights() -> None:
    found = built("127.0.0.1", account="plain", tools="")
    assert (found.resources, found.warnings) == ((), ())


def test_no_rules_are_kept_where_the_environment_wants_none() -> None:
    found = built(provider="none")
    assert (found.resources, found.warnings) == ((), ())


def test_a_provider_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(ConfigError) as refused:
        built(provider="pf")
    assert refused.value.what == "there is no firewall provider pf"
    assert refused.value.hint == "use one of iptables, nftables, none"
