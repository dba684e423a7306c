"""Hosts filled one after the other, by what is worth the most together."""

import random
from collections import Counter

from trellis.placing import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Workload
from trellis.placing.board import Board
from trellis.placing.keeping import take_stock
from trellis.placing.solvers.filling import Filler, best_filling, is_worth_filling


def problem(sizes: list[tuple[int, int]], hosts: list[list[int]]) -> Problem:
    """Every host is 95 % full of cpu and memory when all is placed as listed."""
    counts = Counter(number for host in hosts for number in host)
    return Problem(
        tuple(
            HostOffer(
                f"h{at:02}",
                frozenset({"any"}),
                capacity=Capacity(
                    cpu=sum(sizes[n][0] for n in host) / 0.95, memory=int(sum(sizes[n][1] for n in host) / 0.95)
                ),
            )
            for at, host in enumerate(hosts)
        ),
        tuple(
            Workload(f"s{n}", "any", InstancePolicy(counts[n], counts[n], Counting.PER_ROLE), Needs(cpu, memory))
            for n, (cpu, memory) in enumerate(sizes)
        ),
    )


def filled(given: Problem, steps: int = 100_000, *, is_late: bool = False) -> Board:
    board = Board(take_stock(given)[0])
    Filler(board, board.homeless(), steps, lambda: is_late).run()
    return board


def test_the_best_filling_is_not_the_one_that_starts_with_the_densest() -> None:
    choices = [(7, (60, 1, 0, 0), 6.1, 1), (8, (50, 1, 0, 0), 5.0, 4)]
    assert best_filling((100, 10, 1, 1), choices)[0] == {8: 2}


def test_what_needs_nothing_of_a_dimension_fits_where_nothing_is_left_of_it() -> None:
    choices = [(7, (0, 4, 0, 0), 1.0, 5)]
    assert best_filling((1, 8, 1, 1), choices)[0] == {7: 2}


def test_no_more_are_taken_than_there_are() -> None:
    assert best_filling((100, 100, 1, 1), [(7, (1, 1, 0, 0), 1.0, 3)])[0] == {7: 3}


def test_everything_is_placed_where_hosts_are_nearly_full() -> None:
    mixed = random.Random(3)  # noqa: S311 - a fixed seed, not a secret
    sizes = [(1, 7), (2, 3), (4, 4), (5, 2), (8, 1), (3, 9)]
    board = filled(problem(sizes, [[mixed.randrange(6) for _ in range(6)] for _ in range(30)]))
    assert board.homeless() == []
    assert min(min(column) for column in board.free[:2]) >= 0


def test_time_that_is_up_and_steps_that_are_used_leave_everything_as_it_is() -> None:
    given = problem([(1, 1)], [[0, 0], [0, 0]])
    assert len(filled(given, is_late=True).homeless()) == 4
    assert len(filled(given, steps=0).homeless()) == 4


def test_it_is_of_use_where_every_host_has_a_choice() -> None:
    assert [is_worth_filling(waiting, 10) for waiting in (19, 20, 1_000, 1_001)] == [False, True, True, False]
