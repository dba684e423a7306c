"""`--host` and `--role`: what is planned is limited to them, and what is left out is said."""

import pytest

from trellis.errors import ConfigError
from trellis.limiting import check_limit, left_out, limited
from trellis.plans import Limit, Step, Verb
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping


def step(kind: str, name: str, host: str, role: str = "", *requires: ResourceKey, moved_from: str = "") -> Step:
    key = ResourceKey(kind, name, host)
    resource = Resource(key, freeze_mapping({}), Owner(role), requires)
    verb = Verb.MOVE if moved_from else Verb.CREATE
    return Step(key, verb, "not there yet", resource=resource, requires=requires, moved_from=moved_from)


NETWORK = step("network", "net", "a")
DB = step("container", "db-1", "a", "Database", NETWORK.key)
WEB = step("container", "web-1", "a", "Web", NETWORK.key, DB.key)
WEB_B = step("container", "web-2", "b", "Web", WEB.key)
MOVED = step("container", "web-3", "b", "Web", moved_from="a")
ALL = (NETWORK, DB, WEB, WEB_B, MOVED)


def keys(limit: Limit) -> list[str]:
    return [one.key.name for one in limited(ALL, limit)]


def test_without_a_limit_the_plan_is_whole() -> None:
    assert limited(ALL, Limit()) == ALL
    assert left_out(ALL, ALL, Limit()) == ()


def test_a_host_has_its_own_steps_and_no_half_of_a_move() -> None:
    assert keys(Limit(hosts=("a",))) == ["net", "db-1", "web-1"]
    assert keys(Limit(hosts=("b",))) == ["web-2"]
    assert keys(Limit(hosts=("a", "b"))) == [one.key.name for one in ALL]


def test_a_role_comes_with_what_it_needs_there_but_not_with_another_role() -> None:
    assert keys(Limit(roles=("Database",))) == ["net", "db-1"]
    assert keys(Limit(roles=("Web",))) == ["net", "web-1", "web-2", "web-3"]
    assert keys(Limit(hosts=("a",), roles=("Web",))) == ["net", "web-1"]


def test_nothing_waits_for_what_is_left_out() -> None:
    web = next(one for one in limited(ALL, Limit(roles=("Web",))) if one.key == WEB.key)
    assert web.requires == (NETWORK.key,)


def test_what_is_left_out_is_said() -> None:
    kept = limited(ALL, limit := Limit(hosts=("b",), roles=("Web",)))
    assert left_out(ALL, kept, limit) == ("4 more changes left out: this plan is limited to host b; role Web",)


@pytest.mark.parametrize(
    ("limit", "what", "hint"),
    [
        (Limit(hosts=("ny3",)), "there is no host ny3 in dev", "did you mean ny2?"),
        (Limit(roles=("Nobody",)), "there is no role Nobody in dev", "there are: Database, Web"),
    ],
)
def test_names_that_nothing_has_are_refused(limit: Limit, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_limit(limit, ("ny1", "ny2"), ("Web", "Database"), "dev")
    assert (refused.value.what, refused.value.hint) == (what, hint)
