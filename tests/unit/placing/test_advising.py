"""Advice: roles for spare hosts, and hosts that are not needed."""

from dataclasses import replace

from trellis.placing import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Running, Workload, place
from trellis.placing.advising import advise, idle_sentences

GIB = 1 << 30


def host(name: str, memory: int, roles: str = "web") -> HostOffer:
    return HostOffer(name, frozenset(roles.split()), capacity=Capacity(memory=memory * GIB))


def web(count: int, relocatable: str = "yes") -> Workload:
    load = Workload("web", "web", InstancePolicy(count, count, Counting.PER_ROLE), Needs(memory=2 * GIB))
    return replace(load, relocatable=relocatable)


def applied(problem: Problem) -> Problem:
    running = tuple(Running(i.service, i.role, i.index, i.host) for i in place(problem).instances)
    return replace(problem, running=running)


def test_the_role_for_spare_hosts_with_the_plan_that_then_fits() -> None:
    problem = Problem((host("ny1", 4), host("s1", 4, ""), host("s2", 4, ""), host("s3", 4, "")), (web(6),))
    advice = advise(problem)
    assert advice.spare == ("s1", "s2", "s3")
    assert [(each.role, each.hosts, each.missing) for each in advice.give_roles] == [("web", ("s1", "s2"), 0)]
    assert advice.give_roles[0].placement.shortfalls == ()


def test_a_spare_host_does_not_get_a_role_that_conflicts() -> None:
    hosts = (host("ny1", 2), host("s1", 4, "db"))
    conflicts = frozenset({frozenset({"web", "db"})})
    assert advise(Problem(hosts, (web(2),), role_conflicts=conflicts)).give_roles == ()


def test_hosts_that_could_be_given_back_with_proof() -> None:
    problem = applied(Problem(tuple(host(f"ny{n}", 8) for n in range(1, 5)), (web(4),)))
    advice = advise(problem)
    assert advice.give_back is not None
    assert advice.give_back.hosts == ("ny1", "ny2", "ny3")
    assert {placed.host for placed in advice.give_back.placement.instances} == {"ny4"}
    assert advice.give_back.moves == 3
    assert (advice.give_back.one_more_lost, advice.give_back.weakest) == (False, "ny4")
    assert advice.notes == (
        "ny1, ny2, ny3 could be given back after 3 moves: everything fits on the others",
        "but if ny4 were lost as well, not everything would fit",
    )


def test_with_one_more_host_lost() -> None:
    problem = applied(Problem(tuple(host(f"ny{n}", 4) for n in range(1, 8)), (web(2),)))
    # Five at most are named at once: two are left, and one of them is enough.
    advice = advise(problem)
    assert advice.give_back is not None
    assert len(advice.give_back.hosts) == 5
    assert advice.give_back.one_more_lost is True
    assert advice.notes[1] == "and everything would still fit if any one more host were lost"


def test_a_host_with_something_that_cannot_move_is_needed() -> None:
    problem = applied(Problem((host("ny1", 8), host("ny2", 8)), (web(2, "no"),)))
    advice = advise(problem)
    assert advice.give_back is None
    assert advice.notes == ("everything fits, and every host is needed",)


def test_a_plan_says_in_passing_that_idle_hosts_could_go_where_one_more_may_be_lost() -> None:
    hosts = (host("ny1", 4), host("ny2", 4), host("s1", 4, ""))
    reserve = "could be given back, and everything would still fit if any one more host were lost"
    loose = applied(Problem(hosts, (web(2),)))
    assert idle_sentences(loose, place(loose), "prod") == (f"nothing runs on s1; it {reserve}: trellis advise -e prod",)
    tight = applied(Problem(hosts, (web(3),)))
    assert idle_sentences(tight, place(tight), "prod") == ("nothing runs on s1: trellis advise -e prod",)
    busy = applied(Problem(hosts[:2], (web(2),)))
    assert idle_sentences(busy, place(busy), "prod") == ()


def test_a_plan_for_many_hosts_does_not_try_in_passing_what_takes_a_while() -> None:
    many = applied(Problem(tuple(host(f"ny{n}", 8) for n in range(1, 31)), (web(2),)))
    (sentence,) = idle_sentences(many, place(many), "prod")
    assert sentence.endswith("ny9: trellis advise -e prod")
    assert "given back" not in sentence
