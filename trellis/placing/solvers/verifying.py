"""Hold a solver's answer to every rule before anything is done with it."""

from trellis.errors import ConfigError, TrellisError
from trellis.placing.board import Board
from trellis.placing.solvers.contract import Answer, Limits, Solver, Where, standing
from trellis.placing.task import Item, Task


def answered(solver: Solver, task: Task, start: Where, limits: Limits) -> Answer:
    """What the solver answers.

    Raises:
        ConfigError: it failed, or that is no answer; the solver is at fault.
    """
    try:
        answer: object = solver.solve(task, start, limits)
    except TrellisError:
        raise
    except Exception as error:
        raise _fault(solver.name, f"failed with {type(error).__name__}: {error}") from error
    if not isinstance(answer, Answer):
        raise _fault(solver.name, f"answered with {answer!r}")
    return answer


def verify(task: Task, start: Where, answer: Answer, name: str) -> Where:
    """The answer's hosts, or the start's if those stand better.

    Raises:
        ConfigError: the answer breaks a rule; the solver is at fault.
    """
    if len(answer.where) != len(task.items):
        raise _fault(name, f"answered for {len(answer.where)} instances of {len(task.items)}")
    board = Board(task)
    for number, host in enumerate(answer.where):
        if not task.items[number].movable and host != start[number] is not None:
            raise _fault(name, f"moved {task.name(task.items[number])}, which may not move")
        if host is not None:
            _check_place(task, number, host, start, name)
            board.put(number, host)
    _check_hosts(board, start, name)
    return min(start, answer.where, key=lambda where: standing(task, where))


def _fault(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"the placement solver {name} {what}",
        where="trellis.yaml: placement.solver",
        hint="report that to its author, and choose solver: constraint",
    )


def _check_place(task: Task, number: int, host: int, start: Where, name: str) -> None:
    item = task.items[number]
    if not 0 <= host < len(task.hosts):
        raise _fault(name, f"put {task.name(item)} on host number {host} of {len(task.hosts)}")
    at_home = item.stays and host == item.home
    if not at_home and host != start[number] and host not in task.candidates_of(item):
        raise _fault(name, f"put {task.name(item)} on {task.hosts[host].name}, where it may not be")


def _check_hosts(board: Board, start: Where, name: str) -> None:
    task = board.task
    for host in range(len(task.hosts)):
        new = [number for number in board.on[host] if start[number] != host]
        if new and any(column[host] < 0 for column in board.free) and _too_full(board, host, new):
            raise _fault(name, f"put more on {task.hosts[host].name} than fits")
        for number in sorted(board.on[host]):
            if fault := _broken(board, number, task.items[number], host):
                raise _fault(name, f"put {task.name(task.items[number])} on {task.hosts[host].name}: {fault}")


def _too_full(board: Board, host: int, new: list[int]) -> bool:
    return any(
        column[host] < 0 and any(board.task.needs[board.task.items[n].workload][dimension] for n in new)
        for dimension, column in enumerate(board.free)
    )


def _broken(board: Board, number: int, item: Item, host: int) -> str | None:
    task = board.task
    if not task.has_rules(item.workload) or not task.hosts[host].answers:
        return None
    mark = board.mark()
    board.take(number)
    fault = board.broken_rule(item.workload, host)
    board.undo(mark)
    return fault
