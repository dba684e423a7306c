"""What every placement solver is held to: problems of every shape, and the promises that it has to keep.

A test of a solver is four lines::

    @pytest.mark.parametrize("promise", PROMISES)
    @given(problem=problems())
    def test_my_solver_keeps_its_promises(promise, problem):
        promise(problem, MySolver())
"""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import reject
from hypothesis import strategies as st

from trellis.errors import DoesNotFitError
from trellis.placing.answering import place
from trellis.placing.board import Board
from trellis.placing.checking import check
from trellis.placing.greedy import keep_running
from trellis.placing.keeping import take_stock
from trellis.placing.model import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    Placement,
    Problem,
    Running,
    Strategy,
    Workload,
)
from trellis.placing.rules import broken_rules
from trellis.placing.sequencing import over_capacity, sequence
from trellis.placing.solvers.contract import Limits, Solver, standing
from trellis.placing.solvers.verifying import verify

GIB = 1 << 30
ROLES = ("api", "data", "web")
SERVICES = ("cache", "db", "proxy", "reports", "site")
LIMITS = Limits(seconds=30.0, effort=400)


@st.composite
def host_offers(draw: st.DrawFn, name: str) -> HostOffer:
    """A host that may be full, silent, draining, or lack what a workload requires."""
    return HostOffer(
        name=name,
        roles=draw(st.frozensets(st.sampled_from(ROLES), min_size=1)),
        labels=draw(st.sampled_from([{}, {"rack": "a"}, {"rack": "b"}])),
        facts=draw(st.sampled_from([{}, {"docker": "20.10.1"}, {"docker": "18.3"}])),
        capacity=Capacity(
            cpu=draw(st.sampled_from([None, 0.0, 1.0, 2.0, 4.0])),
            memory=draw(st.sampled_from([0, 2 * GIB, 4 * GIB, 8 * GIB])),
            disk=draw(st.sampled_from([None, 10 * GIB])),
        ),
        foreign_ports=draw(st.sampled_from([frozenset(), frozenset({("tcp", 80)})])),
        answers=draw(st.sampled_from([True, True, True, False])),
        draining=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def policies(draw: st.DrawFn) -> InstancePolicy:
    """Every way of counting instances."""
    counting = draw(st.sampled_from(Counting))
    low = draw(st.integers(0, 1 if counting is Counting.PER_HOST else 4))
    high = draw(st.one_of(st.none(), st.integers(low, low + 2)))
    return InstancePolicy(low, high, counting)


@st.composite
def workloads(draw: st.DrawFn, service: str, hosts: tuple[str, ...], partners: list[str]) -> Workload:
    """A workload under any of the rules, alone or several at once."""
    others = [name for name in SERVICES if name != service]
    return Workload(
        service=service,
        role=draw(st.sampled_from(ROLES)),
        policy=draw(policies()),
        needs=Needs(
            cpu=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
            memory=draw(st.sampled_from([0, GIB, 2 * GIB, 3 * GIB])),
            disk=draw(st.sampled_from([0, 0, GIB])),
        ),
        host_ports=draw(st.sampled_from([frozenset(), frozenset(), frozenset({("tcp", 80)})])),
        relocatable=draw(st.sampled_from(["yes", "coordinated", "no"])),
        priority=draw(st.integers(0, 2)),
        spread_over=draw(st.sampled_from([(), ("rack",)])),
        pinned_to=draw(st.one_of(st.just(()), st.just(()), st.tuples(st.sampled_from(hosts)))),
        together_with=draw(st.sampled_from([(), (), (), *((other,) for other in partners)])),
        apart_from=draw(st.one_of(st.just(()), st.tuples(st.sampled_from(others)))),
        requires_labels=draw(st.sampled_from([{}, {}, {"rack": "a"}])),
        requires_facts=draw(st.sampled_from([{}, {}, {"docker": ">=20"}])),
        storage_on=draw(st.sampled_from([{}, {}, {}, {"data": (hosts[0],)}])),
    )


@st.composite
def problems(draw: st.DrawFn, most_hosts: int = 4) -> Problem:
    """Hosts, workloads, and what runs, whether or not the rules would have put it there."""
    names = tuple(f"ny{number}" for number in range(1, draw(st.integers(1, most_hosts)) + 1))
    hosts = tuple(draw(host_offers(name)) for name in names)
    services = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=5))
    loads = tuple(
        draw(workloads(service, names, [other for other in services if other != service])) for service in services
    )
    running = tuple(
        Running(load.service, load.role, index, draw(st.sampled_from(names)))
        for load in loads
        for index in sorted(draw(st.sets(st.integers(1, 5), max_size=4)))
    )
    problem = Problem(
        hosts=hosts,
        workloads=loads,
        running=running,
        strategy=draw(st.sampled_from(Strategy)),
        allow_moves=draw(st.frozensets(st.sampled_from(SERVICES), max_size=2)),
        rebalance=draw(st.booleans()),
    )
    try:
        check(problem)
    except DoesNotFitError:
        reject()  # its rules contradict each other
    return problem


# -- what a solver promises


def keeps_every_rule(problem: Problem, solver: Solver) -> None:
    """No rule is broken, nothing moves that may not, and no capacity is exceeded."""
    faults = broken_rules(problem, place(problem, solver=solver, limits=LIMITS))
    _expect(not faults, f"{faults}")


def answers_by_the_rules(problem: Problem, solver: Solver) -> None:
    """The same for the solver alone, when the greedy pass leaves it everything that does not run."""
    task, _ = take_stock(problem)
    board = Board(task)
    keep_running(board)
    start = tuple(board.where)
    answer = solver.solve(task, start, LIMITS)
    verify(task, start, answer, solver.name)
    _expect(standing(task, answer.where) <= standing(task, start), "the answer is worse than the start")
    _expect(solver.solve(task, start, LIMITS) == answer, "a second answer differs from the first")


def changes_nothing_twice(problem: Problem, solver: Solver) -> None:
    """What was placed and then runs is placed there again, every instance of it.

    An answer that neither places nor stops something that runs has to say what it lacks, and is not applied.
    """
    first = place(problem, solver=solver, limits=LIMITS)
    if left := undecided(problem, first):
        short = {(each.service, each.role) for each in first.shortfalls}
        silent = [run for run in left if (run.service, run.role) not in short]
        _expect(not silent, f"nothing is said of {silent}")
        return
    again = place(after(problem, first), solver=solver, limits=LIMITS)
    _expect(again.instances == first.instances, f"{again.instances} after {first.instances}")
    _expect(not again.stopped, f"{again.stopped} are stopped")


def ignores_the_order_of_declaration(problem: Problem, solver: Solver) -> None:
    """Hosts, workloads and instances may be given in any order; reasons are the same as well."""
    turned = replace(
        problem, hosts=problem.hosts[::-1], workloads=problem.workloads[::-1], running=problem.running[::-1]
    )
    first, other = (place(each, solver=solver, limits=LIMITS) for each in (problem, turned))
    _expect(first == other, f"{other} instead of {first}")
    reasons = [[placed.reason for placed in placement.instances] for placement in (first, other)]
    _expect(reasons[0] == reasons[1], f"{reasons}")


def never_needs_fewer_hosts(problem: Problem, solver: Solver) -> None:
    """One more empty host never makes a plan unfit that was fit: only services counted by role are asked of it."""
    loads = (load for load in problem.workloads if load.policy.counting is Counting.PER_ROLE)
    smaller = replace(problem, workloads=tuple(replace(load, together_with=()) for load in loads))
    if place(smaller, solver=solver, limits=LIMITS).shortfalls:
        return
    roles = frozenset(role for host in problem.hosts for role in host.roles)
    larger = replace(smaller, hosts=(*smaller.hosts, HostOffer("ny9", roles, capacity=Capacity(1, 2 * GIB))))
    shortfalls = place(larger, solver=solver, limits=LIMITS).shortfalls
    _expect(not shortfalls, f"{shortfalls}")


def can_be_applied_in_order(problem: Problem, solver: Solver) -> None:
    """There is an order of the changes in which no host exceeds its capacity at any moment."""
    placement = place(problem, solver=solver, limits=LIMITS)
    if not placement.shortfalls:
        faults = over_capacity(problem, sequence(problem, placement))
        _expect(not faults, f"{faults}")


def gives_reasons(problem: Problem, solver: Solver) -> None:
    """Every instance that runs, stops or finds no host has its reason."""
    placement = place(problem, solver=solver, limits=LIMITS)
    _expect(all(placed.reason for placed in [*placement.instances, *placement.stopped]), "a reason is missing")
    _expect(all(short.reasons for short in placement.shortfalls), "a shortfall has no reason")


def after(problem: Problem, placement: Placement) -> Problem:
    """The problem once the placement has been applied."""
    running = tuple(Running(p.service, p.role, p.index, p.host) for p in placement.instances)
    return replace(problem, running=running)


def undecided(problem: Problem, placement: Placement) -> list[Running]:
    """What runs and is neither placed nor stopped: it found no host, so the placement is not applied."""
    decided = {(p.service, p.index) for p in (*placement.instances, *placement.stopped)}
    return [run for run in problem.running if (run.service, run.index) not in decided]


def _expect(kept: object, otherwise: str) -> None:
    if not kept:
        raise AssertionError(otherwise)


PROMISES: tuple[Callable[[Problem, Solver], None], ...] = (
    keeps_every_rule,
    answers_by_the_rules,
    changes_nothing_twice,
    ignores_the_order_of_declaration,
    never_needs_fewer_hosts,
    can_be_applied_in_order,
    gives_reasons,
)
