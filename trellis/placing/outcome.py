"""Turn a finished board into the answer: indices, a reason for every instance, and what did not fit."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from trellis.placing.amounts import DIMENSIONS, UNKNOWN, in_words
from trellis.placing.board import Board
from trellis.placing.eligibility import why_not, why_not_movable
from trellis.placing.keeping import Stock
from trellis.placing.model import PlacedInstance, Placement, Running
from trellis.placing.shortfalls import explain_shortfalls
from trellis.placing.task import Item, Task


def conclude(board: Board, stock: Stock, proof: str) -> Placement:
    """The placement that the board holds."""
    placed = _placed(board)
    stopped = stock.stopped + [_stopped(board, item) for item in _given_up(board)]
    shortfalls, without_hosts = explain_shortfalls(board)
    return Placement(
        instances=tuple(sorted(placed)),
        shortfalls=shortfalls,
        warnings=tuple(sorted([*stock.warnings, *without_hosts, *_warnings(board)])),
        stopped=tuple(sorted(stopped)),
        proof=proof,
    )


def _placed(board: Board) -> list[PlacedInstance]:
    task = board.task
    indices = _Indices(task.problem.running)
    placed = []
    new: list[tuple[int, str, int, int]] = []
    on_host: Counter[tuple[int, int]] = Counter()
    for number, (item, host) in enumerate(zip(task.items, board.where, strict=True)):
        if host is None:
            continue
        load = task.workloads[item.workload]
        on_host[item.workload, host] += 1
        if item.index is None:
            # The first one of each host before the second of any: those with the highest index stop first.
            turn = 0 if item.only is not None else on_host[item.workload, host]
            new.append((turn, task.hosts[host].name, item.workload, number))
            continue
        reason = _reason(board, number, item, host)
        placed.append(PlacedInstance(load.service, load.role, item.index, task.hosts[host].name, reason))
    for _, name, workload, number in sorted(new):
        load = task.workloads[workload]
        reason = _why_there(board, number)
        placed.append(PlacedInstance(load.service, load.role, indices.lowest_free(load.service), name, reason))
    return placed


class _Indices:
    """Gives out the lowest index that is free; one that runs is not free before it has stopped."""

    def __init__(self, running: Iterable[Running]) -> None:
        self._taken: dict[str, set[int]] = defaultdict(set)
        self._next: dict[str, int] = defaultdict(lambda: 1)
        for run in running:
            self._taken[run.service].add(run.index)

    def lowest_free(self, service: str) -> int:
        index = self._next[service]
        while index in self._taken[service]:
            index += 1
        self._next[service] = index + 1
        return index


def _reason(board: Board, number: int, item: Item, host: int) -> str:
    task = board.task
    at = task.hosts[host]
    load = task.workloads[item.workload]
    if host != item.home:
        return f"{_why_moved(board, item)}; {_why_there(board, number)}"
    if not at.answers:
        return "keeps its host, which does not answer"
    if at.draining:
        return f"keeps its host although it is draining: {why_not_movable(load)}"
    return f"pinned to {', '.join(sorted(load.pinned_to))}" if load.pinned_to else "keeps its host"


def _why_there(board: Board, number: int) -> str:
    if why := board.why.get(number):
        return why
    load = board.task.workloads[board.task.items[number].workload]
    if load.pinned_to:
        return f"pinned to {', '.join(sorted(load.pinned_to))}"
    return f"found by search among {len(board.task.candidates_of(board.task.items[number]))} hosts"


def _why_moved(board: Board, item: Item) -> str:
    task = board.task
    if item.home is None:
        return "its host is no longer in the environment"
    home = task.hosts[item.home]
    if home.draining:
        return f"leaves {home.name}, which is draining"
    if refusal := why_not(task.workloads[item.workload], home):
        return f"leaves {home.name}: {refusal}"
    if obstacle := board.obstacle(item.workload, item.home):
        return f"leaves {home.name}: {obstacle}"
    return f"leaves {home.name} for a better balance" if task.problem.rebalance else f"makes room on {home.name}"


def _given_up(board: Board) -> list[Item]:
    task = board.task
    carried = {role for host in task.hosts for role in host.roles}
    return [
        item
        for item, host in zip(task.items, board.where, strict=True)
        if host is None
        and (not item.required or (item.index is not None and task.workloads[item.workload].role not in carried))
    ]


def _stopped(board: Board, item: Item) -> PlacedInstance:
    task = board.task
    load = task.workloads[item.workload]
    home = "" if item.home is None else task.hosts[item.home].name
    return PlacedInstance(load.service, load.role, item.index or 0, home, _why_given_up(board, item, home))


def _why_given_up(board: Board, item: Item, home: str) -> str:
    load = board.task.workloads[item.workload]
    if item.required:
        return f"no host carries the role {load.role}"
    if not item.movable and item.home is not None and (obstacle := board.obstacle(item.workload, item.home)):
        return f"{obstacle}, and {load.policy.low} {'is' if load.policy.low == 1 else 'are'} enough"
    return f"has to leave {home or 'its host'}, no other host has room, and {load.policy.low} are enough"


def _warnings(board: Board) -> list[str]:
    return [*_overloaded(board), *_unknown(board), *_silent_and_drained(board.task)]


def _overloaded(board: Board) -> list[str]:
    found = []
    for host, offer in enumerate(board.task.hosts):
        short = [
            in_words(dimension, -column[host])
            for dimension, column in enumerate(board.free)
            if column[host] < 0 and _is_used(board, host, dimension)
        ]
        if short and offer.answers:
            found.append(f"{offer.name} runs more than it has room for: {' and '.join(short)} too much")
    return found


def _is_used(board: Board, host: int, dimension: int) -> bool:
    task = board.task
    return any(task.needs[task.items[item].workload][dimension] for item in board.on[host])


def _unknown(board: Board) -> list[str]:
    found = []
    for dimension, name in enumerate(DIMENSIONS):
        hosts = [
            offer.name
            for host, offer in enumerate(board.task.hosts)
            if board.task.capacity[host][dimension] == UNKNOWN
            and board.free[dimension][host] < UNKNOWN
            and offer.answers
        ]
        if hosts:
            more = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
            found.append(f"{name} of {', '.join(hosts[:3])}{more} is unknown and was not checked")
    return found


def _silent_and_drained(task: Task) -> list[str]:
    return [
        f"{host.name} does not answer: what is planned away from it may go on running there"
        for host in task.hosts
        if host.draining and not host.answers
    ]
