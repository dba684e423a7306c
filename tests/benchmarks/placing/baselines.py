"""What placement is compared with: first-fit decreasing, and a spread as Kubernetes' scheduler does by default."""

from collections import defaultdict

from trellis.placing.board import Board
from trellis.placing.keeping import take_stock
from trellis.placing.model import Problem


def first_fit_decreasing(problem: Problem) -> int:
    """How many instances find a host when the largest go first, each to the first host with room."""
    board = Board(take_stock(problem)[0])
    most = [max(capacity[d] for capacity in board.task.capacity) for d in range(4)]

    def size(number: int) -> float:
        needs = board.task.needs[board.task.items[number].workload]
        return -max(need / size for need, size in zip(needs, most, strict=True))

    for number in sorted(range(len(board.task.items)), key=size):
        room = board.with_room(board.task.items[number].workload, tuple(range(len(board.task.hosts))))
        if room:
            board.put(number, room[0])
    return len(board.where) - len(board.homeless())


def kubernetes_like(problem: Problem) -> int:
    """How many find a host one after the other, each where most is left and fewest of its service are.

    After NodeResourcesFit (LeastAllocated, the mean of what is left), NodeResourcesBalancedAllocation and
    PodTopologySpread over hosts, with equal weights; instances come in the order of their names, one by one, and
    nothing is moved later.
    """
    board = Board(take_stock(problem)[0])
    task = board.task
    same: dict[tuple[int, int], int] = defaultdict(int)
    for number, item in enumerate(task.items):
        best = None
        for host in board.with_room(item.workload, tuple(range(len(task.hosts)))):
            left = [
                (column[host] - need) / most
                for column, need, most in zip(board.free, task.needs[item.workload], task.capacity[host], strict=True)
            ]
            mean = sum(left) / 4
            uneven = (sum((share - mean) ** 2 for share in left) / 4) ** 0.5
            score = mean + (1 - uneven) + 1 / (1 + same[item.workload, host])
            best = max(best or (score, -host), (score, -host))
        if best is not None:
            board.put(number, -best[1])
            same[item.workload, -best[1]] += 1
    return len(board.where) - len(board.homeless())
