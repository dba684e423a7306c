from collections.abc import Mapping
from dataclasses import dataclass, replace

from trellis.desiring.rebuilding import as_it_was
from trellis.placing import place
from trellis.placing.model import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Running, Workload
from trellis.remembering import parse_key
from trellis.resources import ResourceKey
from trellis.state.records import Made

EXACTLY_TWO = InstancePolicy(2, 2, Counting.PER_ROLE)
WEBSITE = Workload("Website", "Web", EXACTLY_TWO, needs=Needs(memory=100), relocatable="no")
HOSTS = tuple(HostOffer(name, frozenset({"Web"}), capacity=Capacity(memory=1000)) for name in ("a", "b", "c"))
EMPTY = Problem(HOSTS, (WEBSITE,))


@dataclass(frozen=True)
class Remembered:
    made: Mapping[ResourceKey, Made]


def remembered(*places: str) -> Remembered:
    """What was made: ``container:website-1@b`` and so on."""
    return Remembered(
        {
            parse_key(f"container:website-{number}@{host}"): Made(
                f"container:website-{number}@{host}", "Web", "Website", number, certain=False
            )
            for number, host in enumerate(places, 1)
        }
    )


def hosts_of(problem: Problem) -> list[str]:
    return [one.host for one in place(problem).instances]


def test_on_empty_hosts_everything_goes_back_to_where_it_was() -> None:
    assert hosts_of(EMPTY) == ["a", "b"]
    assert hosts_of(as_it_was(EMPTY, remembered("c", "c"))) == ["c", "c"]
    assert hosts_of(as_it_was(EMPTY, remembered("b", "c"))) == ["b", "c"]


def test_where_something_runs_the_hosts_say_it() -> None:
    seen = replace(EMPTY, running=(Running("Website", "Web", 2, "a"),))
    assert as_it_was(seen, remembered("c", "c")) is seen


def test_nothing_is_known_of_a_new_environment() -> None:
    assert as_it_was(EMPTY, remembered()) is EMPTY


def test_a_host_that_may_not_run_it_any_more_gets_nothing_back() -> None:
    draining = replace(EMPTY, hosts=(*HOSTS[:2], replace(HOSTS[2], draining=True)))
    other_role = replace(EMPTY, hosts=(*HOSTS[:2], replace(HOSTS[2], roles=frozenset({"Data"}))))
    smaller = replace(EMPTY, hosts=(*HOSTS[:2], replace(HOSTS[2], capacity=Capacity(memory=150))))
    gone = replace(EMPTY, hosts=HOSTS[:2])
    for problem in (draining, other_role, smaller, gone):
        assert as_it_was(problem, remembered("c", "c")) is problem
        assert as_it_was(problem, remembered("c", "b", "c")).running == (Running("Website", "Web", 2, "b"),)


def test_a_host_that_does_not_answer_is_left_to_what_is_known_of_it() -> None:
    hosts = (*HOSTS[:2], replace(HOSTS[2], answers=False))
    silent = replace(EMPTY, hosts=hosts, running=(Running("Website", "Web", 1, "c"),))
    assert as_it_was(silent, remembered("c", "b")).running == (
        Running("Website", "Web", 1, "c"), Running("Website", "Web", 2, "b")
    )  # fmt: skip


def test_who_asks_for_a_better_balance_gets_it() -> None:
    asked = replace(EMPTY, rebalance=True)
    assert as_it_was(asked, remembered("c", "c")) is asked
