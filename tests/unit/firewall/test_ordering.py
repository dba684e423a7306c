"""Paths open before the containers that need them change, and close after."""

from trellis.firewall.needs import Need
from trellis.firewall.ordering import firewall_order
from trellis.firewall.resources import CLOSING, OPENING
from trellis.plans import Step, Verb
from trellis.resources import Owner, Resource, ResourceKey

NEEDS = (Need("Web", "DB", "sql", "Web.db connects to DB.sql"),)


def container(name: str, host: str, verb: Verb = Verb.CREATE, moved_from: str = "") -> Step:
    key = ResourceKey("container", name, host)
    service = {"web": "Web", "db": "DB", "cron": "Cron"}[name.partition("-")[0]]
    return Step(key, verb, "", Resource(key, {}, Owner("Role", service, 1)), moved_from=moved_from)


def wall(kind: str, host: str, verb: Verb = Verb.UPDATE) -> Step:
    key = ResourceKey(kind, "shop-dev", host)
    return Step(key, verb, "", Resource(key, {}))


def required(*steps: Step) -> dict[str, set[str]]:
    acting = {step.key: step for step in steps if step.verb is not Verb.KEEP}
    found: dict[str, set[str]] = {}
    for key, before in firewall_order(steps, acting, NEEDS):
        found.setdefault(str(key), set()).update(map(str, before))
    return found


def test_a_container_waits_for_its_own_host_and_for_those_at_the_other_ends() -> None:
    steps = (
        container("web-1", "b"),
        container("db-1", "a", Verb.KEEP),
        wall(OPENING, "a"),
        wall(OPENING, "b", Verb.CREATE),
        wall(OPENING, "c"),
    )
    assert required(*steps) == {"container:web-1@b": {"firewall:shop-dev@a", "firewall:shop-dev@b"}}


def test_what_closes_waits_for_the_containers_on_both_hosts_of_a_move() -> None:
    steps = (
        container("db-1", "b", Verb.MOVE, moved_from="a"),
        wall(CLOSING, "a"),
        wall(CLOSING, "b"),
        wall(CLOSING, "c"),
    )
    moved = {"container:db-1@b"}
    found = required(*steps)
    assert found["firewall-closing:shop-dev@a"] == found["firewall-closing:shop-dev@b"] == moved
    assert not found["firewall-closing:shop-dev@c"]


def test_rules_are_taken_away_when_the_containers_are_gone() -> None:
    steps = (container("db-1", "a", Verb.REMOVE), wall(OPENING, "a", Verb.REMOVE))
    assert required(*steps) == {"firewall:shop-dev@a": {"container:db-1@a"}}


def test_who_has_no_part_in_it_does_not_wait() -> None:
    assert required(container("cron-1", "c"), wall(OPENING, "a")) == {}
