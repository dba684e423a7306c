"""The promises of solvers can be broken: each of these solvers breaks one, and is found out."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from trellis.errors import ConfigError
from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Placement,
    Problem,
    Running,
    Workload,
)
from trellis.placing.conformance import (
    answers_by_the_rules,
    can_be_applied_in_order,
    changes_nothing_twice,
    ignores_the_order_of_declaration,
    keeps_every_rule,
    never_needs_fewer_hosts,
    problems,
)
from trellis.placing.sequencing import over_capacity, sequence
from trellis.placing.solvers import Answer, Limits, Solver, Task, Where, bundled_solver

Promise = Callable[[Problem, Solver], None]


class Overfilling:
    """Puts whatever waits on the first host."""

    name = "overfilling"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        del limits
        return Answer(tuple(0 if host is None and task.hosts else host for host in start), proven=True, note="")


class Shuffling:
    """Moves what runs to another host, whether or not it may."""

    name = "shuffling"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        del limits
        moved = tuple(None if host is None else (host + 1) % len(task.hosts) for host in start)
        return Answer(moved, proven=True, note="")


class Whimsical:
    """Works only at every second time."""

    name = "whimsical"

    def __init__(self) -> None:
        self.turns = itertools.count()

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        if next(self.turns) % 2:
            return Answer(start, proven=False, note="not today")
        return bundled_solver("constraint").solve(task, start, limits)


class Reading:
    """Works only when the first host that was declared has a small name."""

    name = "reading"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        if task.problem.hosts[0].name != task.hosts[0].name:
            return Answer(start, proven=False, note="too hard to read")
        return bundled_solver("constraint").solve(task, start, limits)


class Small:
    """Gives up when there are more than two hosts."""

    name = "small"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:
        if len(task.hosts) > 2:
            return Answer(start, proven=False, note="too many")
        return bundled_solver("constraint").solve(task, start, limits)


@pytest.mark.parametrize(
    ("promise", "solver"),
    [
        (keeps_every_rule, Overfilling()),
        (keeps_every_rule, Shuffling()),
        (can_be_applied_in_order, Overfilling()),
        (answers_by_the_rules, Shuffling()),
        (answers_by_the_rules, Whimsical()),
        (changes_nothing_twice, Shuffling()),
    ],
)
def test_a_solver_that_breaks_a_promise_is_found_out(promise: Promise, solver: Solver) -> None:
    @given(problem=problems())
    @settings(
        max_examples=400, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    def run(problem: Problem) -> None:
        promise(problem, solver)

    with pytest.raises((AssertionError, ConfigError)):
        run()


def tight() -> Problem:
    """Two hosts that are full when all is placed, and only a search places all."""

    def load(service: str, count: int, memory: int) -> Workload:
        return Workload(service, "api", InstancePolicy(count, count, Counting.PER_ROLE), Needs(memory=memory << 30))

    hosts = tuple(HostOffer(name, frozenset({"api"}), capacity=Capacity(memory=12 << 30)) for name in ("ny1", "ny2"))
    return Problem(hosts, (load("db", 2, 6), load("site", 3, 4)))


def test_a_solver_that_depends_on_the_order_of_declaration_is_found_out() -> None:
    ignores_the_order_of_declaration(tight(), bundled_solver("constraint"))
    with pytest.raises(AssertionError):
        ignores_the_order_of_declaration(tight(), Reading())


def test_a_solver_that_needs_fewer_hosts_is_found_out() -> None:
    problem = tight()
    never_needs_fewer_hosts(problem, bundled_solver("constraint"))
    with pytest.raises(AssertionError, match="site"):
        never_needs_fewer_hosts(problem, Small())


def test_a_wrong_order_is_found_out() -> None:
    first = Workload("db", "api", InstancePolicy(1, 1, Counting.PER_ROLE), Needs(memory=6))
    second = replace(first, service="site")
    hosts = tuple(HostOffer(name, frozenset({"api"}), capacity=Capacity(memory=8)) for name in ("ny1", "ny2"))
    problem = Problem(hosts, (first, second), (Running("db", "api", 1, "ny1"),))
    placement = Placement((PlacedInstance("db", "api", 1, "ny2"), PlacedInstance("site", "api", 1, "ny1")))
    changes = sequence(problem, placement)
    assert over_capacity(problem, changes) == []
    assert over_capacity(problem, changes[::-1]) == ["ny1 has no room when site-1 comes"]
