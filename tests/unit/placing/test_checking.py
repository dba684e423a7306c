"""Bad input is refused with the place and the next step, before anything is decided."""
# ruff: noqa: E501 - one refused problem a line, to be compared

import math
from dataclasses import replace

import pytest

from trellis.errors import ConfigError, DoesNotFitError, TrellisError
from trellis.placing import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Running, Workload, place

ONE = InstancePolicy(1, 1, Counting.PER_ROLE)
NY1 = HostOffer("ny1", frozenset({"web"}))
WEB = Workload("web", "web", ONE)


def refusal(problem: Problem) -> TrellisError:
    with pytest.raises(TrellisError) as caught:
        place(problem)
    return caught.value


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem((NY1,), (replace(WEB, needs=Needs(memory=-1)),)), "service web of role web: needs.memory: -1 is less than nothing"),
        (Problem((NY1,), (replace(WEB, needs=Needs(cpu=math.nan)),)), "service web of role web: needs.cpu: nan is not an amount"),
        (Problem((replace(NY1, capacity=Capacity(cpu=math.inf)),), (WEB,)), "host ny1: capacity.cpu: inf is not an amount"),
        (Problem((NY1,), (replace(WEB, pinned_to=("ny2",)),)), "service web of role web: pinned_to: there is no host ny2"),
        (Problem((NY1,), (replace(WEB, together_with=("db",)),)), "service web of role web: together_with: there is no service db"),
        (Problem((NY1, NY1), (WEB,)), "ny1: host ny1 is there twice"),
        (Problem((NY1,), (WEB, WEB)), "web of role web: workload web of role web is there twice"),
        (Problem((NY1,), (WEB,), (Running("web", "web", 0, "ny1"),)), "web-0 on ny1: an instance's index starts at 1"),
        (Problem((NY1,), (replace(WEB, policy=InstancePolicy(-1, 1, Counting.PER_ROLE)),)), "service web of role web: -1 instances is less than nothing"),
        (Problem((replace(NY1, facts={"docker": "20"}),), (replace(WEB, requires_facts={"docker": ">=new"}),)), "fact docker: >=new is not a version specifier"),
    ],
)  # fmt: skip
def test_malformed(problem: Problem, said: str) -> None:
    error = refusal(problem)
    assert isinstance(error, ConfigError)
    assert str(error) == said
    assert error.hint


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem((), (WEB,)), "environment: there are no hosts to run 1 services on"),
        (
            Problem((replace(NY1, roles=frozenset({"web", "db"})),), (WEB,), role_conflicts=frozenset({frozenset({"web", "db"})})),
            "host ny1: the host carries the roles db and web, which conflict",
        ),
        (
            Problem((NY1,), (replace(WEB, apart_from=("db",), together_with=("db",)), replace(WEB, service="db"))),
            "service web: db and web must run together and apart",
        ),
        (
            Problem((NY1,), (replace(WEB, apart_from=("db",)), replace(WEB, service="db", together_with=("web",)))),
            "service db: db and web must run together and apart",
        ),
        (
            Problem((NY1,), (replace(WEB, policy=InstancePolicy(3, 2, Counting.PER_ROLE)),)),
            "service web of role web: at least 3 and at most 2 instances contradict each other",
        ),
        (
            Problem(
                (NY1,),
                (replace(WEB, policy=InstancePolicy(2, None, Counting.PER_HOST), host_ports=frozenset({("tcp", 80)})),),
            ),
            "service web of role web: 2 instances a host are asked for, and host port 80/tcp allows one",
        ),
    ],
)  # fmt: skip
def test_contradictory(problem: Problem, said: str) -> None:
    error = refusal(problem)
    assert isinstance(error, DoesNotFitError)
    assert error.exit_code == 12
    assert str(error) == said
    assert error.hint


def test_a_near_miss_is_named() -> None:
    hosts = (replace(NY1, name="newyork1"),)
    assert refusal(Problem(hosts, (replace(WEB, pinned_to=("newyrok1",)),))).hint == "did you mean newyork1?"


def test_nothing_at_all_is_fine() -> None:
    assert place(Problem((), ())).instances == ()


def test_less_than_nothing_left_is_a_host_that_is_full() -> None:
    full = replace(NY1, capacity=Capacity(memory=-5))
    assert place(Problem((full,), (replace(WEB, needs=Needs(memory=1)),))).shortfalls[0].missing == 1
    assert place(Problem((full,), (WEB,))).shortfalls == ()


def test_fifty_thousand_instances_get_an_answer() -> None:
    hosts = tuple(HostOffer(f"h{n}", frozenset({"web"}), capacity=Capacity(memory=1000)) for n in range(100))
    load = replace(WEB, policy=InstancePolicy(50_000, None, Counting.PER_ROLE), needs=Needs(memory=4))
    placement = place(Problem(hosts, (load,)))
    assert (len(placement.instances), placement.shortfalls[0].missing) == (25_000, 25_000)
