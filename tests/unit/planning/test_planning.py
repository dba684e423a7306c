"""Steps and their order: what is promised about rollouts, moves and removals."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from trellis.blueprint import Blueprint, ConnectionSpec, EndpointSpec, ServiceSpec, UpdateSpec
from trellis.hosts import HostSession
from trellis.placing.sequencing import Change
from trellis.planning import Deciding, steps, with_removals
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Provider, Scope
from trellis.resources import Actual, Owner, Resource, ResourceKey


class Everything:
    """A provider that compares images and nothing else; it has no host to reach."""

    kinds = MappingProxyType({"image": 10, "network": 20, "volume": 30, "haproxy-config": 45, "container": 50})

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        raise AssertionError((session, scope))

    async def apply(self, step: Step, applying: Applying) -> None:
        raise AssertionError((step, applying))

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        del salt
        if desired is None:
            return Decision(Verb.REMOVE, "no longer in the stack")
        if actual is None:
            return Decision(Verb.CREATE, "not there yet")
        same = desired.spec == actual.spec
        return Decision(Verb.KEEP, "already equal") if same else Decision(Verb.REPLACE, "image changed")


BLUEPRINT = Blueprint(
    "shop",
    (
        ServiceSpec("DB", "db:1", endpoints=(EndpointSpec("sql", 3306),)),
        ServiceSpec("Web", "web:1", connections=(ConnectionSpec("db", "DB", "sql"),)),
    ),
)


def deciding(blueprint: Blueprint = BLUEPRINT, *, with_data: bool = False) -> Deciding:
    provider: Provider = Everything()
    return Deciding(dict.fromkeys(Everything.kinds, provider), b"", blueprint, with_data)


def key(name: str, host: str = "a", kind: str = "container") -> ResourceKey:
    return ResourceKey(kind, name, host)


def owner(name: str) -> Owner:
    service, _, index = name.partition("-")
    return Owner("role", {"web": "Web", "db": "DB"}[service], int(index))


def wanted(name: str, image: str = "1", host: str = "a") -> Resource:
    return Resource(key(name, host), {"image": image}, owner(name))


def found(name: str, image: str = "1", host: str = "a") -> Actual:
    return Actual(key(name, host), {"image": image}, {}, owner(name))


def requirements(made: Sequence[Step]) -> dict[str, list[str]]:
    return {str(step.key): [str(item) for item in step.requires] for step in made}


def test_what_a_service_connects_to_comes_first() -> None:
    made = steps([wanted("web-1"), wanted("db-1")], [], deciding())
    assert [str(step.key) for step in made] == ["container:db-1@a", "container:web-1@a"]
    assert requirements(made)["container:web-1@a"] == ["container:db-1@a"]


def test_instances_are_replaced_one_after_the_other_and_new_ones_come_first() -> None:
    desired = [wanted(f"web-{n}", "2") for n in (1, 2, 3)]
    made = steps(desired, [found("web-1"), found("web-2")], deciding())
    assert requirements(made) == {
        "container:web-3@a": [],
        "container:web-1@a": ["container:web-3@a"],
        "container:web-2@a": ["container:web-1@a", "container:web-3@a"],
    }


def test_a_batch_is_replaced_together() -> None:
    service = ServiceSpec("Web", "web:1", update=UpdateSpec(batch=2))
    made = steps(
        [wanted(f"web-{n}", "2") for n in (1, 2, 3)],
        [found(f"web-{n}") for n in (1, 2, 3)],
        deciding(Blueprint("shop", (service,))),
    )
    assert requirements(made) == {
        "container:web-1@a": [],
        "container:web-2@a": [],
        "container:web-3@a": ["container:web-1@a", "container:web-2@a"],
    }


def test_an_instance_that_changes_hosts_is_one_move() -> None:
    made = steps([wanted("web-1", host="b")], [found("web-1", host="a")], deciding())
    assert [(step.verb, str(step.key), step.moved_from) for step in made] == [(Verb.MOVE, "container:web-1@b", "a")]


def test_an_instance_goes_when_every_proxy_knows() -> None:
    config = Resource(key("proxy-1", "b", "haproxy-config"), {"servers": "none"})
    before = Actual(config.key, {"servers": "web-1"})
    made = steps([config], [before, found("web-1")], deciding())
    assert requirements(made)["container:web-1@a"] == ["haproxy-config:proxy-1@b"]


def change(verb: Literal["move", "park", "stop", "start", "interrupt"], name: str, source: str, target: str) -> Change:
    of = owner(name)
    return Change(verb, of.service, of.role, of.index, source or None, target or None, "they wait for each other")


def test_what_comes_to_a_host_waits_for_what_leaves_it() -> None:
    changes = (change("move", "db-1", "a", "b"), change("move", "web-1", "b", "a"))
    made = steps(
        [wanted("db-1", host="b"), wanted("web-1", host="a")],
        [found("db-1", host="a"), found("web-1", host="b")],
        replace(deciding(), changes=changes),
    )
    assert requirements(made) == {"container:db-1@b": [], "container:web-1@a": ["container:db-1@b"]}


def test_room_is_more_important_than_who_connects_to_whom() -> None:
    changes = (change("move", "web-1", "a", "b"), change("move", "db-1", "b", "a"))
    made = steps(
        [wanted("db-1", host="a"), wanted("web-1", host="b")],
        [found("db-1", host="b"), found("web-1", host="a")],
        replace(deciding(), changes=changes),
    )
    assert requirements(made) == {"container:web-1@b": [], "container:db-1@a": ["container:web-1@b"]}


def test_two_that_wait_for_each_other_go_through_a_third_host() -> None:
    changes = (
        change("park", "web-1", "a", "c"), change("move", "web-2", "b", "a"), change("move", "web-1", "c", "b"),
    )  # fmt: skip
    made = steps(
        [wanted("web-1", host="b"), wanted("web-2", host="a")],
        [found("web-1", host="a"), found("web-2", host="b")],
        replace(deciding(), changes=changes, parked={key("web-1", "c"): wanted("web-1", host="c")}),
    )
    assert [(str(step.key), step.verb, step.moved_from) for step in made] == [
        ("container:web-1@c", Verb.MOVE, "a"),
        ("container:web-2@a", Verb.MOVE, "b"),
        ("container:web-1@b", Verb.MOVE, "c"),
    ]
    assert made[0].reason == "from a, to wait there: they wait for each other"
    assert set(requirements(made)["container:web-1@b"]) == {"container:web-1@c", "container:web-2@a"}


def test_without_a_third_host_one_is_stopped_for_a_while_and_the_plan_says_so() -> None:
    changes = (
        change("interrupt", "web-1", "a", ""), change("move", "web-2", "b", "a"), change("start", "web-1", "", "b"),
    )  # fmt: skip
    made = steps(
        [wanted("web-1", host="b"), wanted("web-2", host="a")],
        [found("web-1", host="a"), found("web-2", host="b")],
        replace(deciding(), changes=changes),
    )
    assert [(str(step.key), step.verb, step.reason) for step in made] == [
        ("container:web-1@a", Verb.REMOVE, "stops for a while: they wait for each other"),
        ("container:web-2@a", Verb.MOVE, "from b"),
        ("container:web-1@b", Verb.CREATE, "starts again, after it stopped on a"),
    ]


def test_what_stops_says_why_it_and_not_another() -> None:
    why = "2 Web are wanted; it has the highest index"
    made = steps([], [found("web-3")], replace(deciding(), reasons={key("web-3"): why}))
    assert [(step.verb, step.reason) for step in made] == [(Verb.REMOVE, why)]


def test_the_network_goes_after_the_containers_on_its_host() -> None:
    network = Actual(key("shop-dev", kind="network"))
    made = steps([], [network, found("web-1"), found("db-1")], deciding())
    assert [str(step.key) for step in made] == ["container:web-1@a", "container:db-1@a", "network:shop-dev@a"]


def test_data_is_kept_until_it_is_asked_to_go() -> None:
    volume = Actual(key("data", kind="volume"))
    kept = steps([], [volume], deciding())
    assert [(step.verb, step.reason) for step in kept] == [
        (Verb.KEEP, "no longer declared; its data is kept until trellis destroy")
    ]
    assert [step.verb for step in steps([], [volume], deciding(with_data=True))] == [Verb.REMOVE]


def test_foreign_things_are_in_no_plan() -> None:
    assert steps([], [Actual(key("theirs"), foreign=True)], deciding()) == ()


def test_what_is_missing_although_it_was_made_is_drift_and_the_rest_is_new() -> None:
    planned = steps([wanted("web-1"), wanted("web-2")], [], deciding())
    told = with_removals(planned, lambda one: one == key("web-1"))
    assert [(step.key.name, step.verb, step.reason, step.drift) for step in told] == [
        ("web-1", Verb.CREATE, "removed by hand, made again", True),
        ("web-2", Verb.CREATE, "not there yet", False),
    ]


def test_what_a_resource_must_be_right_for_waits_for_it() -> None:
    proxy = wanted("web-1")
    certificate = Resource(
        key("web-1/shop", kind="haproxy-config"), MappingProxyType({"image": "1"}), required_by=(proxy.key,)
    )
    assert requirements(steps([proxy, certificate], [], deciding()))[str(proxy.key)] == [str(certificate.key)]
    unmade = replace(certificate, required_by=(key("nobody"),))
    assert requirements(steps([proxy, unmade], [], deciding()))[str(proxy.key)] == []
