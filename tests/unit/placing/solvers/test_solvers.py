"""The solvers alone, the choice between them, and what a faulty one may do."""

import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from trellis.errors import ConfigError
from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Problem,
    Running,
    Workload,
    place,
)
from trellis.placing.solvers import Answer, Limits, Task, Where, bundled_solver, named_solver, solver_for


def planted(hosts: int, each: int) -> Problem:
    """Every host is 95 % full with `each` instances, drawn with a fixed seed: all of it is known to fit."""
    mixed = random.Random(5)  # noqa: S311 - a fixed seed, not a secret
    sizes = [(1, 700), (2, 300), (4, 400), (5, 200), (8, 100), (3, 900)]
    drawn = [[mixed.randrange(len(sizes)) for _ in range(each)] for _ in range(hosts)]
    offers = tuple(
        HostOffer(
            f"h{number:02}",
            frozenset({"any"}),
            capacity=Capacity(
                cpu=sum(sizes[n][0] for n in here) / 0.95, memory=int(sum(sizes[n][1] for n in here) / 0.95)
            ),
        )
        for number, here in enumerate(drawn)
    )
    counts = Counter(number for here in drawn for number in here)
    loads = tuple(
        Workload(f"s{n}", "any", InstancePolicy(counts[n], counts[n], Counting.PER_ROLE), Needs(cpu, memory))
        for n, (cpu, memory) in enumerate(sizes)
    )
    return Problem(offers, loads)


class Idle:
    """Leaves everything as the greedy pass left it."""

    name = "idle"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - the contract's signature
        return Answer(start, proven=False, note="nothing was tried")


@pytest.mark.parametrize("name", ["constraint", "cpsat"])
def test_99_of_100_are_placed_where_a_perfect_packing_places_all(name: str) -> None:
    if name == "cpsat":
        pytest.importorskip("ortools", reason="OR-Tools, the extra `scale`, is not installed")
    greedy = place(planted(20, 5), solver=Idle())
    assert len(greedy.instances) < 95
    placement = place(planted(20, 5), solver=name, limits=Limits(seconds=60.0))
    assert len(placement.instances) >= 99


def test_the_same_problem_has_the_same_answer() -> None:
    limits = Limits(seconds=60.0, effort=200)  # ended by its steps, not by the clock
    assert place(planted(20, 5), limits=limits) == place(planted(20, 5), limits=limits)


def chain() -> Problem:
    """`big` fits on a once x has left, x only on b once y has left, and y fits on c: two moves, no fewer."""
    sizes = {"big": 9, "x": 6, "y": 5}
    hosts = {"a": 10, "b": 8, "c": 5}
    return Problem(
        tuple(HostOffer(n, frozenset({"any"}), capacity=Capacity(memory=m)) for n, m in hosts.items()),
        tuple(
            Workload(s, "any", InstancePolicy(1, 1, Counting.PER_ROLE), Needs(memory=m), relocatable="yes")
            for s, m in sizes.items()
        ),
        (Running("x", "any", 1, "a"), Running("y", "any", 1, "b")),
    )


@pytest.mark.parametrize("name", ["constraint", "cpsat"])
def test_a_chain_of_moves_is_found_and_proven(name: str) -> None:
    if name == "cpsat":
        pytest.importorskip("ortools", reason="OR-Tools, the extra `scale`, is not installed")
    placement = place(chain(), solver=name)
    assert [(p.service, p.host) for p in placement.instances] == [("big", "a"), ("x", "b"), ("y", "c")]
    assert placement.proof.startswith("proven")


def test_limits_end_the_search_and_the_answer_says_so() -> None:
    placement = place(planted(20, 5), limits=Limits(seconds=0.0, effort=1))
    assert placement.shortfalls
    assert placement.proof == "the search ended at its limit, short of a proof"


def test_the_size_chooses() -> None:
    pytest.importorskip("ortools", reason="OR-Tools, the extra `scale`, is not installed")
    assert solver_for(2_000).name == "constraint"
    assert solver_for(2_001).name == "constraint, then cpsat"


def test_an_unknown_solver() -> None:
    with pytest.raises(ConfigError, match="there is no placement solver cplex"):
        bundled_solver("cplex")


class Careless:
    """Puts everything on the first host."""

    name = "careless"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - the contract's signature
        return Answer(tuple(0 for _ in task.items), proven=True, note="done")


def test_an_answer_that_breaks_a_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="the placement solver careless put more on a than fits"):
        place(chain(), solver=Careless())


def test_a_solver_is_found_by_its_name() -> None:
    assert named_solver("constraint").name == "constraint"
    offered = Careless()
    assert named_solver("careless", [offered]) is offered
    with pytest.raises(ConfigError, match="the placement solver careless is offered twice"):
        named_solver("careless", [offered, Careless()])


class Erring:
    """Answers as it is told, or fails."""

    name = "erring"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - as above
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value] # what a careless author may return


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ValueError("no luck"), "failed with ValueError: no luck"),
        (None, "answered with None"),
        (Answer((0, 1), proven=False, note=""), "answered for 2 instances of 3"),
        (Answer((7, 1, 0), proven=False, note=""), "put .* on host number 7 of 3"),
        (Answer((-1, 1, 0), proven=False, note=""), "put .* on host number -1 of 3"),
    ],
)
def test_what_is_no_answer_is_refused_by_name(answer: object, said: str) -> None:
    with pytest.raises(ConfigError, match=f"the placement solver erring {said}$") as refused:
        place(chain(), solver=Erring(answer))
    assert refused.value.where == "trellis.yaml: placement.solver"


class Mover:
    """Moves what may not move."""

    name = "mover"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - as above
        return Answer((0, 1, 2), proven=True, note="done")


def test_an_answer_that_moves_what_may_not_move_is_refused() -> None:
    fixed = replace(chain(), workloads=tuple(replace(load, relocatable="no") for load in chain().workloads))
    with pytest.raises(ConfigError, match="the placement solver mover moved x-1, which may not move"):
        place(fixed, solver=Mover())


class Third:
    """A solver from elsewhere that knows the answer."""

    name = "third"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - as above
        return Answer((0, 1, 2), proven=False, note="as the oracle said")


def test_a_solver_from_elsewhere_is_asked() -> None:
    placement = place(chain(), solver=Third())
    assert placement.proof == "as the oracle said"
    assert placement.instances[0] == PlacedInstance("big", "any", 1, "a")


def test_nothing_heavy_is_imported_when_nothing_changes() -> None:
    program = (
        "import sys\n"
        "from trellis.placing import *\n"
        "load = Workload('web', 'web', InstancePolicy(1, 1, Counting.PER_ROLE))\n"
        "place(Problem((HostOffer('a', frozenset({'web'})),), (load,), (Running('web', 'web', 1, 'a'),)))\n"
        "print([m for m in ('constraint', 'numpy', 'ortools', 'packaging', 'random') if m in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"


def test_two_partners_do_not_both_leave_the_one_that_needs_them() -> None:
    any_ = frozenset({"any"})
    hosts = (HostOffer("a", any_, capacity=Capacity(memory=10)), HostOffer("b", any_, capacity=Capacity(memory=10)))
    two, one = InstancePolicy(2, 2, Counting.PER_ROLE), InstancePolicy(1, 1, Counting.PER_ROLE)
    loads = (
        Workload("app", "any", one, Needs(memory=2), together_with=("cache",)),
        Workload("cache", "any", two, Needs(memory=4), relocatable="yes"),
        Workload("big", "any", one, Needs(memory=8)),
    )
    running = (Running("app", "any", 1, "a"), Running("cache", "any", 1, "a"), Running("cache", "any", 2, "a"))
    placement = place(Problem(hosts, loads, running))
    assert [(p.service, p.index, p.host) for p in placement.instances] == [
        ("app", 1, "a"),
        ("big", 1, "b"),
        ("cache", 1, "a"),
        ("cache", 2, "a"),
    ]


def test_the_search_ends_when_an_instance_is_to_be_stopped() -> None:
    # One of the three has to leave, two are enough, and `new` makes another one move.
    any_ = frozenset({"any"})
    hosts = (
        HostOffer("a", any_, capacity=Capacity(memory=6)),
        HostOffer("b", any_, capacity=Capacity(memory=4)),
        HostOffer("c", any_, draining=True),
    )
    loads = (
        Workload("web", "any", InstancePolicy(2, None, Counting.PER_ROLE), Needs(memory=4), relocatable="yes"),
        Workload("new", "any", InstancePolicy(1, 1, Counting.PER_ROLE), Needs(memory=6)),
    )
    running = (Running("web", "any", 1, "a"), Running("web", "any", 2, "b"), Running("web", "any", 3, "c"))
    placement = place(Problem(hosts, loads, running))
    assert [short.missing for short in placement.shortfalls] == [1]
    assert placement.proof.startswith("proven")


@pytest.mark.parametrize("name", ["constraint", "cpsat"])
def test_a_host_that_became_too_small_keeps_what_runs_and_takes_nothing_new(name: str) -> None:
    per_host = InstancePolicy(1, None, Counting.PER_HOST)
    some = InstancePolicy(0, None, Counting.PER_ROLE)
    problem = Problem(
        hosts=(HostOffer("ny1", frozenset({"api"}), capacity=Capacity(memory=0)),),
        workloads=(
            Workload("db", "api", some, Needs(memory=1 << 30), relocatable="yes"),
            Workload("site", "api", per_host, Needs(memory=1 << 30), relocatable="yes"),
        ),
        running=(Running("db", "api", 1, "ny1"),),
    )
    placement = place(problem, solver=name)
    assert placement.instances == (PlacedInstance("db", "api", 1, "ny1"),)
    assert [(short.service, short.missing) for short in placement.shortfalls] == [("site", 1)]


@pytest.mark.parametrize("name", ["constraint", "cpsat"])
def test_what_must_be_together_is_not_parted_by_a_search(name: str) -> None:
    hosts = tuple(HostOffer(host, frozenset({"api"}), capacity=Capacity(memory=0)) for host in ("ny1", "ny2"))
    cache = Workload("cache", "api", InstancePolicy(1, None, Counting.PER_HOST), together_with=("db",))
    some = InstancePolicy(0, None, Counting.PER_ROLE)
    db = Workload("db", "api", some, storage_on={"data": ("ny1",)})
    placement = place(Problem(hosts, (cache, db), (Running("db", "api", 1, "ny2"),)), solver=name)
    assert placement.instances == (PlacedInstance("cache", "api", 1, "ny1"), PlacedInstance("db", "api", 1, "ny1"))
    assert [(short.service, short.missing) for short in placement.shortfalls] == [("cache", 1)]
