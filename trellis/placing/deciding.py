"""Decide where everything runs: keep what runs, place the rest, search when that was not enough."""

from trellis.placing.board import Board
from trellis.placing.checking import check
from trellis.placing.greedy import crowded_out, keep_running, place_rest
from trellis.placing.keeping import take_stock
from trellis.placing.model import Placement, Problem
from trellis.placing.outcome import conclude


def place(problem: Problem) -> Placement:
    """Which instance goes to which host, and why.

    Pure: the same problem gives the same placement, whatever the order in which things were declared.

    Raises:
        ConfigError: a value of the problem is malformed.
        DoesNotFitError: rules contradict each other. What merely finds no room is in `Placement.shortfalls`.
    """
    check(problem)
    task, stock = take_stock(problem)
    board = Board(task)
    keep_running(board)
    proof = "nothing had to move"
    _relieve(board)
    place_rest(board, board.homeless())
    return conclude(board, stock, proof)


def _relieve(board: Board) -> None:
    # What a full host cannot hold goes elsewhere before anything new takes that room, or else stays as it is.
    crowded = crowded_out(board)
    place_rest(board, crowded)
    for number in crowded:
        home = board.task.items[number].home
        if board.where[number] is None and home is not None:
            board.put(number, home)
