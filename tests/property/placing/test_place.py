"""What place() promises for every problem."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.placing import Placement, Problem, Running, place
from trellis.placing.conformance import problems
from trellis.placing.rules import broken_rules


def after(problem: Problem, placement: Placement) -> Problem:
    running = tuple(Running(p.service, p.role, p.index, p.host) for p in placement.instances)
    return replace(problem, running=running)


@given(problems())
@settings(max_examples=150, deadline=None)
def test_no_rule_is_ever_broken(problem: Problem) -> None:
    assert broken_rules(problem, place(problem)) == []


@given(problems())
@settings(max_examples=150, deadline=None)
def test_placing_again_changes_nothing(problem: Problem) -> None:
    first = place(problem)
    again = place(after(problem, first))
    assert again.instances == first.instances
    assert again.stopped == ()


@given(problems(), st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_the_order_of_declaration_does_not_matter(problem: Problem, seed: int) -> None:
    mixed = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    shuffled = replace(
        problem,
        hosts=tuple(mixed.sample(problem.hosts, len(problem.hosts))),
        workloads=tuple(mixed.sample(problem.workloads, len(problem.workloads))),
        running=tuple(mixed.sample(problem.running, len(problem.running))),
    )
    first, other = place(problem), place(shuffled)
    assert first == other
    assert [placed.reason for placed in first.instances] == [placed.reason for placed in other.instances]


@given(problems())
@settings(max_examples=150, deadline=None)
def test_every_instance_has_its_reason(problem: Problem) -> None:
    placement = place(problem)
    assert all(placed.reason for placed in [*placement.instances, *placement.stopped])
