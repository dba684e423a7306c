"""What AWS's load balancer is to serve, from the stack."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from trellis import Role, Rollout, Service, Stack, at_least, balanced, listens, runs, site
from trellis.errors import ConfigError, StackError
from trellis.hosts import Host, HostFacts
from trellis.plans import Verb
from trellis.resources import Actual, Resource, ResourceKey
from trellis.testing.placed import placed
from trellis_aws.deciding import decide, differences
from trellis_aws.desiring import balancer_resources
from trellis_aws.listening import in_order, unused
from trellis_aws.model import KIND, Balancer, Front, Group, Rule, Target, balancer_of, without_names
from trellis_aws.names import balancer_name, group_name
from trellis_aws.needs import balancer_needs
from trellis_aws.routing import balancer_for
from trellis_aws.settings import Settings, read_settings

SETTINGS = Settings("eu-west-1", ("subnet-a", "subnet-b"), ("sg-1",))
HOSTS = [Host("ny1", address="10.0.0.11", roles=("web",)), Host("ny2", address="10.0.0.12", roles=("web",))]


def served(declare: Callable[[Stack], type[Service]], hosts: list[Host] = HOSTS) -> Balancer:
    stack = Stack("shop")
    cls = declare(stack)

    class Web(Role):
        web = runs(cls, at_least(1).per_host)

    stack.role(Web)
    return balancer_for(placed(stack, hosts).deployment, SETTINGS)


def shop(stack: Stack) -> type[Service]:
    @stack.service(image="shop/website:7.1", rollout=Rollout(drain=20))
    class Website(Service):
        http = listens(8080, health="/healthz", host_port=8080)
        whole = site("shop.test", http, aliases=["www.shop.test"], sticky=True, timeout=90)
        api = site("shop.test", http, path="/api/")
        plain = site("old.test", http, tls=False)

    return Website


def test_sites_become_listeners_rules_and_groups() -> None:
    found = served(shop)
    whole, api, plain = (group_name("shop", "dev", f"Website.{name}") for name in ("whole", "api", "plain"))
    assert found.idle_timeout == 90
    assert found.fronts == (
        Front(
            80,
            tls=False,
            rules=(Rule(("old.test",), (), "forward", plain), Rule(("shop.test", "www.shop.test"), (), "redirect")),
        ),
        Front(
            443,
            tls=True,
            rules=(
                Rule(("shop.test",), ("/api", "/api/*"), "forward", api),
                Rule(("shop.test", "www.shop.test"), (), "forward", whole),
            ),
        ),
    )
    [group] = [one for one in found.groups if one.name == whole]
    assert group == Group(
        whole,
        "Website.whole",
        "/healthz",
        sticky=True,
        drain=20,
        targets=(Target("10.0.0.11", 8080, "website-1"), Target("10.0.0.12", 8080, "website-2")),
    )


def test_a_rule_has_no_more_names_than_aws_takes() -> None:
    def many(stack: Stack) -> type[Service]:
        @stack.service(image="a:1")
        class Website(Service):
            http = listens(8080)
            public = site("a0.test", http, path="/x", aliases=[f"a{number}.test" for number in range(1, 8)])

        return Website

    rules = [rule for front in served(many).fronts for rule in front.rules]
    assert all(len(rule.hosts) + len(rule.paths) <= 5 for rule in rules)
    assert {name for rule in rules if rule.does == "forward" for name in rule.hosts} == {f"a{n}.test" for n in range(8)}


def limited(stack: Stack) -> type[Service]:
    @stack.service(image="a:1")
    class Website(Service):
        http = listens(8080)
        public = site("a.test", http, requests_per_second=5)

    return Website


def over_tcp(stack: Stack) -> type[Service]:
    @stack.service(image="a:1")
    class Website(Service):
        http = listens(8080, balanced=balanced())
        public = site("a.test", http)

    return Website


def odd_path(stack: Stack) -> type[Service]:
    @stack.service(image="a:1")
    class Website(Service):
        http = listens(8080)
        public = site("a.test", http, path="/a*")

    return Website


@pytest.mark.parametrize(
    ("declare", "what"),
    [
        (limited, "Website.public limits its visitors, which AWS's load balancer cannot"),
        (over_tcp, "Website.http is balanced over TCP, which the balancer aws does not do"),
        (odd_path, "AWS's load balancer cannot tell the path '/a*' exactly"),
    ],
)
def test_what_aws_cannot_do_is_refused(declare: Callable[[Stack], type[Service]], what: str) -> None:
    with pytest.raises(StackError) as refused:
        served(declare)
    assert refused.value.what == what
    assert "test_routing.py" in str(refused.value.where)


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"website-1 answers at ny1.test, and AWS sends traffic to IPv4 addresses"):
        served(shop, [Host("ny1", address="ny1.test", roles=("web",))])


def test_nothing_is_asked_of_aws_where_the_environment_does_not_choose_it() -> None:
    stack = Stack("shop")
    cls = shop(stack)

    class Web(Role):
        web = runs(cls, at_least(1).per_host)

    stack.role(Web)
    deployed = placed(stack, HOSTS).deployment
    assert balancer_resources(deployed) == ()
    assert balancer_needs(deployed) == ()
    cloud = Host(
        "aws",
        "aws://eu-west-1",
        "",
        options={
            "region": "eu-west-1",
            "subnets": "subnet-a,subnet-b",
            "security_groups": "sg-1",
            "serves": "yes",
        },
    )
    facts = HostFacts(extra={"networks": "10.0.1.0/24 10.0.2.0/24"})
    chosen = replace(deployed, clouds={"aws": cloud}, facts={**deployed.facts, "aws": facts})
    [resource] = balancer_resources(chosen)
    assert str(resource.key) == "aws-balancer:shop-dev@aws"
    assert {need.networks for need in balancer_needs(chosen)} == {("10.0.1.0/24", "10.0.2.0/24")}


def actual(found: Balancer, digest: str, *, unfinished: bool = False) -> Actual:
    state = {"balancer": found.as_spec(), "digest": digest, "unfinished": unfinished, "dns": "shop.elb.test"}
    return Actual(ResourceKey(KIND, "shop-dev", "aws"), state=state)


def decided(wanted: Balancer, found: Balancer, digest: str, *, unfinished: bool = False) -> tuple[Verb, str, bool]:
    resource = Resource(ResourceKey(KIND, "shop-dev", "aws"), wanted.as_spec())
    decision = decide(resource, actual(found, digest, unfinished=unfinished))
    return decision.verb, decision.reason, decision.drift


def test_decisions_tell_hands_from_programs() -> None:
    wanted = served(shop)
    found = without_names(wanted)
    assert balancer_of(wanted.as_spec()) == wanted
    assert found.digest == wanted.digest
    assert decided(wanted, found, wanted.digest) == (Verb.KEEP, "already equal, at shop.elb.test", False)
    fewer = replace(found, fronts=found.fronts[:1])
    assert decided(wanted, fewer, wanted.digest) == (Verb.UPDATE, "changed by hand, restored: port 443 opened", True)
    assert decided(wanted, fewer, fewer.digest) == (Verb.UPDATE, "port 443 opened", False)
    assert decided(wanted, found, "", unfinished=True) == (Verb.UPDATE, "an earlier run did not finish", False)
    inner = replace(wanted, scheme="internal")
    assert decided(inner, found, wanted.digest)[:2] == (
        Verb.REPLACE,
        "scheme internet-facing → internal: made anew, with another DNS name",
    )


def test_differences_are_named() -> None:
    wanted = served(shop)
    group = wanted.groups[0]
    one_less = replace(group, targets=group.targets[1:], drain=5)
    found = replace(wanted, groups=(one_less, *wanted.groups[1:]))
    assert list(differences(found, wanted)) == [f"drain of {group.site} changed", "website-1 added"]


def test_priorities_never_meet() -> None:
    assert in_order(["a", "b"], {"a": 3, "b": 9}) == {}
    assert in_order(["b", "a"], {"a": 3, "b": 9}) == {"b": 1, "a": 2}
    free = unused([49999])
    assert [next(free), next(free)] == [50000, 1]


def test_names_fit_what_aws_takes() -> None:
    assert balancer_name("shop", "prod") == "shop-prod"
    long = balancer_name("a-very-long-name-of-a-stack", "of-an-environment")
    assert len(long) <= 32
    assert long != balancer_name("a-very-long-name-of-a-stack", "of-another-environment")
    assert balancer_name("internal", "x").startswith("t-internal-x-")
    assert len(group_name("shop", "prod", "Website.a_site_with_a_name_of_its_own")) <= 32


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"regoin": "eu-west-1"}, "regoin means nothing to the balancer aws; did you mean region?"),
        ({}, "the balancer aws needs region"),
        ({"region": "moon"}, "the balancer aws needs subnets"),
        ({"region": "moon", "subnets": "a,b", "security_groups": "s"}, "'moon' is not a region"),
        ({"region": "eu-west-1", "subnets": "a", "security_groups": "s"}, "AWS wants subnets of at least two zones"),
        (
            {"region": "eu-west-1", "subnets": "a,b", "security_groups": "s", "access_key": "AKIA"},
            "access_key and access_key_secret belong together",
        ),
    ],
)
def test_settings_are_checked(given: dict[str, str], what: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings(given, "prod")
    assert refused.value.what.startswith(what)
