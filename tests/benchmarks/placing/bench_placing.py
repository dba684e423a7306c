"""Figures of placement: run it as a program; it prints the tables of docs/explanation/placement.md.

    python tests/benchmarks/placing/bench_placing.py [pack] [drain] [unchanged] [shortfall] [growth]

Without arguments it runs all. Seeds are fixed. Seconds are of this process on a core, not of the clock on the wall;
CP-SAT's own limits are. What counts are the ratios.
"""

import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from baselines import first_fit_decreasing, kubernetes_like
from whole_plan import applied, changes_in, plan, world
from worlds import draining, empty, planted, with_one_too_many

from trellis.placing import Placement, Problem, place
from trellis.placing.board import Board
from trellis.placing.greedy import keep_running
from trellis.placing.keeping import take_stock
from trellis.placing.sequencing import over_capacity, sequence
from trellis.placing.solvers import Limits, standing
from trellis.placing.solvers.contract import forced_moves
from trellis.placing.solvers.cpsat import CpSat

SIZES = ((100, 20), (300, 50), (1000, 100))
CPSAT_SECONDS = 30.0


def main() -> None:
    cases: dict[str, Callable[[], None]] = {
        "pack": pack, "drain": drain, "unchanged": unchanged, "shortfall": shortfall, "growth": growth,
        "large-drain": large_drain, "whole-plan": whole_plan,
    }  # fmt: skip
    for name in sys.argv[1:] or cases:
        cases[name]()


def timed(problem: Problem, *, limits: Limits | None = None) -> tuple[Placement, float]:
    start = time.process_time()
    placement = place(problem, solver="constraint", limits=limits)
    return placement, time.process_time() - start


def table(title: str, *columns: str) -> None:
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def row(*cells: object) -> None:
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def pack() -> None:
    """Nothing runs yet; all four dimensions of every host are 92 % or 95 % full when all is placed."""
    table("Placed, of all", "case", "constraint", "s", "cpsat", "s", "first-fit", "k8s-like", "constraint ÷ cpsat")
    for instances, hosts in SIZES:
        for fill in (0.92, 0.95):
            problem = empty(planted(instances, hosts, fill))
            ours, seconds = timed(problem)
            start = time.process_time()
            theirs, note = cpsat_alone(problem)
            case = f"{instances}x{hosts}, {fill:.0%} full"
            row(
                case, len(ours.instances), f"{seconds:.1f}", f"{theirs} ({note})", f"{time.process_time() - start:.1f}",
                first_fit_decreasing(problem), kubernetes_like(problem), f"{len(ours.instances) / theirs:.3f}",
            )  # fmt: skip


def cpsat_alone(problem: Problem) -> tuple[int, str]:
    """What CP-SAT places with the same greedy hint, without the packing that our solvers share."""
    from trellis.placing.greedy import place_rest

    task, _ = take_stock(problem)
    board = Board(task)
    place_rest(board, board.homeless())
    answer = CpSat().prove(task, tuple(board.where), Limits(seconds=CPSAT_SECONDS))
    return sum(host is not None for host in answer.where), "proven" if answer.proven else "not proven"


def drain() -> None:
    """Two hosts of a hundred are emptied; the fewest moves are those of what runs there."""
    table("Drain 2 % of the hosts", "case", "s", "moves", "proven fewest", "moves ÷ fewest", "unplaced", "proof")
    for instances, hosts in SIZES:
        for fill in (0.8, 0.9, 0.95):
            problem = draining(instances, hosts, fill)
            placement, seconds = timed(problem)
            fewest, proof = fewest_moves(problem)
            moves = moved(problem, placement)
            unplaced = sum(short.missing for short in placement.shortfalls)
            case = f"{instances}x{hosts}, {fill:.0%} full"
            row(case, f"{seconds:.2f}", moves, fewest, f"{moves / fewest:.2f}", unplaced, proof)


def fewest_moves(problem: Problem) -> tuple[int, str]:
    """The fewest moves as CP-SAT proves them."""
    task, _ = take_stock(problem)
    board = Board(task)
    keep_running(board)
    answer = CpSat().solve(task, tuple(board.where), Limits(seconds=CPSAT_SECONDS))
    return standing(task, answer.where)[1], answer.note


def moved(problem: Problem, placement: Placement) -> int:
    homes = {(run.service, run.index): run.host for run in problem.running}
    return sum(homes.get((p.service, p.index), p.host) != p.host for p in placement.instances)


def large_drain() -> None:
    """The same at 10,000 instances on 1,000 hosts, with peak memory, and CP-SAT's own proof."""
    if sys.argv[1:] == ["large-drain"]:
        _large_drain()
    else:
        # A process of its own, so that its peak memory is its own.
        subprocess.run([sys.executable, __file__, "large-drain"], check=True)


def _large_drain() -> None:
    table("Drain 2 % of 1,000 hosts with 10,000 instances", "full", "seed", "s", "moves", "forced", "moves ÷ forced",
          "unplaced", "over capacity mid-move", "peak MiB", "cpsat s", "cpsat says")  # fmt: skip
    for fill, seed in ((0.8, 1), (0.9, 1), *((0.95, seed) for seed in range(1, 7))):
        problem = draining(10_000, 1_000, fill, seed)
        placement, seconds = timed(problem)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        changes = sequence(problem, placement)
        task, _ = take_stock(problem)
        board = Board(task)
        keep_running(board)
        start = time.process_time()
        answer = CpSat().solve(task, tuple(board.where), Limits(seconds=CPSAT_SECONDS))
        taken = time.process_time() - start
        moves, forced = moved(problem, placement), forced_moves(task)
        row(
            f"{fill:.0%}", seed, f"{seconds:.2f}", moves, forced, f"{moves / forced:.3f}",
            sum(short.missing for short in placement.shortfalls), len(over_capacity(problem, changes)), peak,
            f"{taken:.1f}", f"{standing(task, answer.where)[1]} moves; {answer.note}",
        )  # fmt: skip


def unchanged() -> None:
    """Nothing is to be done, and it takes no time to find that out."""
    table("Nothing changed, place alone", "case", "place s", "sequence s", "steps")
    for instances, hosts in (*SIZES, (10_000, 1_000)):
        problem = planted(instances, hosts, 0.8)
        placement, seconds = timed(problem)
        start = time.process_time()
        changes = sequence(problem, placement)
        row(f"{instances}x{hosts}", f"{seconds:.3f}", f"{time.process_time() - start:.3f}", len(changes))


def whole_plan() -> None:
    """The same with what a plan takes besides: every resource, compared with what was found."""
    if sys.argv[1:] == ["whole-plan"]:
        _whole_plan()
    else:
        # A process of its own: a heap that holds other problems makes every allocation dearer.
        subprocess.run([sys.executable, __file__, "whole-plan"], check=True)


def _whole_plan() -> None:
    table(
        "Nothing changed, the whole plan", "case", "place s", "desire s", "plan s", "all s", "steps that do something"
    )
    for instances, hosts in ((1_000, 100), (10_000, 1_000)):
        running = applied(world(instances, hosts), plan(world(instances, hosts)))
        timings: list[dict[str, float]] = [{} for _ in range(3)]
        made = [plan(running, timings=each) for each in timings]
        best = min(timings, key=lambda each: sum(each.values()))
        row(
            f"{instances}x{hosts}", *(f"{best[stage]:.2f}" for stage in ("place", "desire", "plan")),
            f"{sum(best.values()):.2f}", max(changes_in(each) for each in made),
        )  # fmt: skip


def shortfall() -> None:
    """A service is added that fits nowhere."""
    table("A shortfall explained", "case", "s", "what is said")
    for instances, hosts in SIZES:
        placement, seconds = timed(with_one_too_many(planted(instances, hosts, 0.8)))
        row(f"{instances}x{hosts}", f"{seconds:.2f}", placement.shortfalls[0].reasons[0])


def growth() -> None:
    """Ten times as many instances on ten times as many hosts; the exponent n of the time."""
    table("Growth from 1,000x100 to 10,000x1,000", "case", "small s", "large s", "times", "exponent")
    cases: tuple[tuple[str, Callable[[int, int], Problem]], ...] = (
        ("nothing changed", lambda instances, hosts: planted(instances, hosts, 0.8)),
        ("drain", lambda instances, hosts: draining(instances, hosts, 0.8)),
        ("from empty", lambda instances, hosts: empty(planted(instances, hosts, 0.8))),
    )
    for name, make in cases:
        small = min(timed(make(1_000, 100))[1] for _ in range(5))
        large = min(timed(make(10_000, 1_000))[1] for _ in range(3))
        row(name, f"{small:.3f}", f"{large:.3f}", f"{large / small:.1f}", f"{math.log10(large / small):.2f}")


if __name__ == "__main__":
    main()
