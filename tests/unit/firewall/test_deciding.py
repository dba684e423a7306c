"""What is opened before containers change, what is closed after, and what is said about it."""

from dataclasses import replace

from trellis.firewall.deciding import decide, opened
from trellis.firewall.facts import Found
from trellis.firewall.merging import same, union
from trellis.firewall.model import ANYONE, Allowance, Guard, Limit, Ruleset, Target
from trellis.firewall.resources import CLOSING, OPENING
from trellis.plans import Verb
from trellis.resources import Actual, Resource, ResourceKey
from trellis.values import freeze_mapping


def guard(*networks: str, port: int = 3306) -> Guard:
    return Guard("tcp", port, "10.0.0.1", "db-1 DB.sql", (Allowance(networks, (), "Web.db connects to DB.sql"),))


OLD = Ruleset((guard("10.0.0.2"),), ssh_ports=(22,))
NEW = Ruleset((guard("10.0.0.3"),), ssh_ports=(22,))


def wanted(rules: Ruleset, kind: str = OPENING) -> Resource:
    return Resource(ResourceKey(kind, "shop-dev", "a"), freeze_mapping({"provider": "nftables", "rules": rules.spec()}))


def found(rules: Ruleset, kind: str = OPENING, **state: bool) -> Actual:
    as_left = {"loaded": True, "equal": True, "unfinished": False, "boots": True}
    spec = freeze_mapping({"provider": "nftables", "rules": rules.spec()})
    return Actual(ResourceKey(kind, "shop-dev", "a"), spec, freeze_mapping(as_left | state))


def decided(kind: str, rules: Ruleset, before: Ruleset | None, **state: bool) -> tuple[Verb, str, bool]:
    decision = decide(wanted(rules, kind), found(before, kind, **state) if before else None)
    return decision.verb, decision.reason, decision.drift


def test_what_is_let_through_before_is_the_old_and_the_new() -> None:
    assert decided(OPENING, NEW, OLD) == (Verb.UPDATE, "opens tcp 3306 (db-1 DB.sql) to 10.0.0.3", False)
    before = opened(NEW, Found.of(found(OLD)))
    assert before.guards == (guard("10.0.0.2", "10.0.0.3"),)


def test_what_is_let_through_afterwards_is_the_new() -> None:
    assert decided(CLOSING, NEW, OLD) == (Verb.UPDATE, "closes tcp 3306 (db-1 DB.sql) to 10.0.0.2", False)


def test_what_only_opens_has_nothing_to_close_and_the_other_way_round() -> None:
    both = Ruleset((guard("10.0.0.2", "10.0.0.3"),), ssh_ports=(22,))
    assert decided(OPENING, both, OLD)[0] is Verb.UPDATE
    assert decided(CLOSING, both, OLD) == (Verb.KEEP, "already equal", False)
    assert decided(OPENING, OLD, both) == (Verb.KEEP, "already equal", False)
    assert decided(CLOSING, OLD, both)[0] is Verb.UPDATE


def test_the_first_rules_are_made_whole_before_containers_start() -> None:
    assert decided(OPENING, NEW, None) == (Verb.CREATE, "guards tcp 3306 (db-1 DB.sql)", False)
    assert decided(CLOSING, NEW, None) == (Verb.KEEP, "nothing to close", False)


def test_equal_rules_are_kept_even_when_only_their_reasons_changed() -> None:
    renamed = Ruleset((replace(guard("10.0.0.2"), serves="db-1 DB.mysql"),), ssh_ports=(22,))
    assert decided(OPENING, renamed, OLD) == (Verb.KEEP, "already equal", False)
    assert decided(CLOSING, renamed, OLD) == (Verb.KEEP, "already equal", False)


def test_what_others_did_is_put_right() -> None:
    assert decided(OPENING, OLD, OLD, equal=False) == (Verb.UPDATE, "changed by hand, restored", True)
    assert decided(OPENING, OLD, OLD, loaded=False) == (Verb.UPDATE, "removed by hand, restored", True)
    assert decided(OPENING, OLD, OLD, boots=False) == (Verb.UPDATE, "would not come back after a reboot", True)
    assert decided(OPENING, OLD, OLD, unfinished=True) == (Verb.UPDATE, "an earlier run did not finish", False)


def test_rules_that_nobody_wants_any_more_go_as_a_whole() -> None:
    removing, keeping = (decide(None, found(OLD, kind)) for kind in (OPENING, CLOSING))
    assert (removing.verb, removing.reason) == (Verb.REMOVE, "nothing to guard any more")
    assert (keeping.verb, keeping.reason) == (Verb.KEEP, "goes as a whole")


def test_an_instance_that_comes_is_guarded_first_and_one_that_left_is_guarded_to_the_end() -> None:
    before = union(Ruleset((guard("10.0.0.2", port=1),)), Ruleset((guard("10.0.0.2", port=2),)))
    assert [one.port for one in before.guards] == [1, 2]


def test_limits_that_the_environment_dropped_are_gone_before_containers_start() -> None:
    limited = Ruleset(limits=(Limit("web-1", ("02:00:00:00:00:00",), (Target("tcp", 1, ("10.0.0.1",), "why"),)),))
    assert union(limited, Ruleset()).limits == ()
    assert union(Ruleset(), limited).limits == limited.limits


def test_a_host_becomes_exclusive_last_and_open_first() -> None:
    closed = Ruleset(exclusive=True)
    assert not union(Ruleset(), closed).exclusive
    assert not union(closed, Ruleset()).exclusive
    assert union(closed, closed).exclusive


def test_networks_that_say_the_same_in_other_words_are_the_same() -> None:
    halves = Ruleset((guard("10.0.0.0/25", "10.0.0.128/25"),))
    assert same(halves, Ruleset((guard("10.0.0.0/24"),)))
    assert not same(halves, Ruleset((guard(*ANYONE),)))
