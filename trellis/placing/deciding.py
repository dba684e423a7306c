"""Decide where everything runs: keep what runs, place the rest, search when that was not enough."""

from trellis.placing.amounts import DIMENSIONS, in_words
from trellis.placing.board import Board
from trellis.placing.checking import check
from trellis.placing.greedy import crowded_out, keep_running, place_rest, send_home
from trellis.placing.keeping import take_stock
from trellis.placing.model import Placement, Problem
from trellis.placing.outcome import conclude
from trellis.placing.solvers.contract import Limits, Solver, Where, forced_moves

NOTHING_MOVES = "nothing moves"
"""The proof of a placement that leaves everything where it runs."""


def decide(problem: Problem, *, solver: Solver | str | None = None, limits: Limits | None = None) -> Placement:
    """Which instance goes to which host, and why.

    Args:
        problem: all that is known.
        solver: for what the sticky greedy pass cannot place: one, or a bundled one's name; chosen by size if None.
        limits: what the solver may spend.

    Raises:
        ConfigError, DoesNotFitError: as `trellis.placing.place`.
    """
    check(problem)
    task, stock = take_stock(problem)
    board = Board(task)
    keep_running(board)
    _relieve(board)
    place_rest(board, board.homeless())
    proof = _proof(board)
    if any(task.items[number].required and _carried(board, number) for number in board.homeless()):
        # What all hosts together cannot hold needs no search: the answer is a shortfall, and it is wanted soon.
        proof = lacking_in_all(board) or _search(board, solver, limits or Limits())
    if problem.rebalance:
        from trellis.placing.rebalancing import rebalance

        proof = rebalance(board)
    return conclude(board, stock, proof)


def _relieve(board: Board) -> None:
    # What a full host cannot hold goes elsewhere before anything new takes that room, or else stays as it is.
    crowded = crowded_out(board)
    place_rest(board, crowded)
    send_home(board, crowded)


def _proof(board: Board) -> str:
    moves = board.moves()
    if not moves:
        return NOTHING_MOVES
    if moves == forced_moves(board.task):
        return "only what has to move moves"
    return "not proven to be the fewest moves"


def lacking_in_all(board: Board) -> str | None:
    """How much all hosts together have too little of, in words; None when the sums would do."""
    task = board.task
    required = [task.items[number].workload for number, item in enumerate(task.items) if item.required]
    short = []
    for dimension in range(len(DIMENSIONS)):
        have = sum(max(0, capacity[dimension]) for capacity in task.capacity)
        wanted = sum(task.needs[workload][dimension] for workload in required)
        if wanted > have:
            short.append(in_words(dimension, wanted - have))
    return f"proven: all hosts together are {' and '.join(short)} short" if short else None


def _carried(board: Board, number: int) -> bool:
    # A role that no host carries is a warning; there is nothing to search.
    return bool(board.task.candidates_of(board.task.items[number]))


def _search(board: Board, solver: Solver | str | None, limits: Limits) -> str:
    from trellis.placing.solvers import bundled_solver, solver_for
    from trellis.placing.solvers.packing import put_all
    from trellis.placing.solvers.verifying import answered, verify

    start: Where = tuple(board.where)
    if solver is None:
        solver = solver_for(len(start))
    elif isinstance(solver, str):
        solver = bundled_solver(solver)
    answer = answered(solver, board.task, start, limits)
    put_all(board, verify(board.task, start, answer, solver.name))
    return answer.note
