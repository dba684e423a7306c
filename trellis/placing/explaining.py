"""Say why an instance is where it is, and why it is not elsewhere."""

from dataclasses import dataclass, replace

from trellis.errors import ConfigError
from trellis.placing.board import Board
from trellis.placing.eligibility import why_not, why_nothing_new
from trellis.placing.keeping import take_stock
from trellis.placing.model import PlacedInstance, Placement, Problem, Running, Shortfall
from trellis.placing.task import Task


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A host that an instance is not on: `reason` says why, `possible` whether it could be."""

    host: str
    possible: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One instance, and every other host."""

    instance: PlacedInstance
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that the placement decided about one service."""

    service: str
    instances: tuple[Explained, ...]
    stopped: tuple[PlacedInstance, ...]
    shortfalls: tuple[Shortfall, ...]


def explain(problem: Problem, placement: Placement, service: str) -> Explanation:
    """Why each instance of the service is on its host, and for every other host what keeps it from there.

    Raises:
        ConfigError: no role runs a service of that name.
    """
    if service not in {load.service for load in problem.workloads}:
        known = ", ".join(sorted({load.service for load in problem.workloads})[:10])
        raise ConfigError(f"no role runs a service {service}", where="plan --explain", hint=f"known: {known}")
    board = placed_board(problem, placement)
    return Explanation(
        service=service,
        instances=tuple(
            Explained(placed, _elsewhere(board, placed)) for placed in placement.instances if placed.service == service
        ),
        stopped=tuple(stopped for stopped in placement.stopped if stopped.service == service),
        shortfalls=tuple(short for short in placement.shortfalls if short.service == service),
    )


def placed_board(problem: Problem, placement: Placement) -> Board:
    """A board on which everything is where the placement puts it."""
    running = tuple(Running(p.service, p.role, p.index, p.host) for p in placement.instances)
    task, _ = take_stock(replace(problem, running=running))
    board = Board(task)
    for number, item in enumerate(task.items):
        if item.home is not None:
            board.put(number, item.home)
    return board


def _elsewhere(board: Board, placed: PlacedInstance) -> tuple[Elsewhere, ...]:
    task = board.task
    number = _item_of(task, placed)
    home = board.take(number)
    workload = task.items[number].workload
    found = tuple(_at(board, workload, host, home) for host in range(len(task.hosts)) if host != home)
    board.put(number, home)
    return found


def _item_of(task: Task, placed: PlacedInstance) -> int:
    return next(
        number
        for number, item in enumerate(task.items)
        if item.index == placed.index and task.workloads[item.workload].service == placed.service
    )


def _at(board: Board, workload: int, host: int, home: int) -> Elsewhere:
    task = board.task
    offer = task.hosts[host]
    refusal = why_not(task.workloads[workload], offer) or why_nothing_new(offer) or board.obstacle(workload, host)
    if refusal:
        return Elsewhere(offer.name, possible=False, reason=refusal)
    there, here = (1 - board.left(each, workload) for each in (host, home))
    reason = f"it would be {there:.0%} full with it; {task.hosts[home].name} is {here:.0%}"
    return Elsewhere(offer.name, possible=True, reason=reason)
