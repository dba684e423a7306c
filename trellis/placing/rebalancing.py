"""Move what may be moved where that makes the load more even; again and again until nothing gains enough."""

from trellis.placing.board import Board
from trellis.placing.model import Strategy

# A move has to be worth the interruption: two hosts at 60 % and 50 % are left alone, 60 % and 30 % are not.
_LEAST_GAIN = 0.01
_SPREAD_WEIGHT = 0.5  # one instance too many in a rack outweighs any load
_MOST_ROUNDS = 2_000


def rebalance(board: Board) -> str:
    """Improve the balance by moves of relocatable items; the note says whether an optimum was reached.

    Each move lowers the sum of the hosts' squared loads, so it ends, and a second run finds nothing to do.
    """
    balancer = _Balancer(board)
    for _ in range(_MOST_ROUNDS):
        if not balancer.improve():
            return "no single move makes the load more even"
    return f"stopped after {_MOST_ROUNDS} moves; another run may find more"


class _Balancer:
    def __init__(self, board: Board) -> None:
        self.board = board
        self.task = board.task
        self.strategy = board.task.problem.strategy
        # Packing makes loads uneven on purpose: full hosts and empty ones, which can be given back.
        self.sign = -1.0 if self.strategy is Strategy.PACK else 1.0

    def improve(self) -> bool:
        """Make the best move off the first host that has one; False when no host has."""
        load = [1 - self.board.left(host) for host in range(len(self.task.hosts))]
        hosts = sorted(range(len(load)), key=lambda host: (-self.sign * load[host], host))
        targets = list(reversed(hosts))
        for host in hosts:
            best = max(self._moves_off(host, load, targets), default=None)
            if best is not None:
                _, _, number, target = best
                self.board.take(number)
                self.board.put(number, target)
                return True
        return False

    def _moves_off(self, host: int, load: list[float], targets: list[int]) -> list[tuple[float, int, int, int]]:
        found = []
        for number in sorted(self.board.on[host]):
            item = self.task.items[number]
            if item.movable and item.bound_to is None and self.board.may_leave(number):
                found.extend(self._moves_of(number, host, load, targets))
        return found

    def _moves_of(
        self, number: int, host: int, load: list[float], targets: list[int]
    ) -> list[tuple[float, int, int, int]]:
        workload = self.task.items[number].workload
        allowed = set(self.task.candidates[workload])
        spreads = self._spreads(workload)
        mark = self.board.mark()
        self.board.take(number)
        without = 1 - self.board.left(host)
        found = []
        for target in targets:
            if target == host or target not in allowed or not self.board.fits(workload, target):
                continue
            after = 1 - self.board.left(target, workload)
            gain = self.sign * (load[host] ** 2 + load[target] ** 2 - without**2 - after**2)
            gain += spreads and self._spread_gain(workload, host, target)
            if gain > _LEAST_GAIN:
                found.append((gain, -number, number, target))
            if not spreads:
                break  # hosts come in the order of their load: the first that it fits gains the most
        self.board.undo(mark)
        return found

    def _spreads(self, workload: int) -> bool:
        return self.strategy is Strategy.SPREAD or bool(self.task.workloads[workload].spread_over)

    def _spread_gain(self, workload: int, host: int, target: int) -> float:
        # As for loads: how much the sum of squared counts goes down. The item is off the board already.
        load = self.task.workloads[workload]
        gain = 0.0
        if self.strategy is Strategy.SPREAD:
            here, there = (self.board.services[h].get(load.service, 0) for h in (host, target))
            gain += here - there
        for key in load.spread_over:
            here, there = (self._count(load.service, key, h) for h in (host, target))
            same = self.task.hosts[host].labels.get(key) == self.task.hosts[target].labels.get(key)
            gain += 0 if same else here - there
        return gain * _SPREAD_WEIGHT

    def _count(self, service: str, key: str, host: int) -> int:
        value = self.task.hosts[host].labels.get(key)
        return sum(
            services.get(service, 0)
            for other, services in enumerate(self.board.services)
            if self.task.hosts[other].labels.get(key) == value
        )
