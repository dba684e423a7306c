"""Fill hosts one after the other, each as well as it can be; what is left over is worth more the next time."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from trellis.placing.amounts import DIMENSIONS, UNKNOWN, Amounts
from trellis.placing.board import Board

_LOOKS_EACH = 2_000  # fillings of a host that are looked at before the best of them is taken
_PATIENCE = 60  # passes without a gain after which it is given up
_MOST_EACH = 100  # instances a host; with more of them the other ways are good enough
_BOUNDLESS = 1e300  # not infinite: that times nothing is not a number
_RISE = 0.3  # how much more a service is worth when all of it was left over

Filling = Counter[int]
"""How many instances of each workload."""


class Filler:
    """Places items that no rule but capacity concerns.

    Every pass takes the hosts in another order, and fills each with the instances that are together worth the most,
    by a bounded search. An instance is worth what it needs, and more where it was left over or went to a host that
    stayed half empty: so what is hard to place is placed early. After Belov and Scheithauer, "Setup and open-stacks
    minimization in one-dimensional stock cutting" (2007), who call that sequential value correction.

    Args:
        board: what is changed.
        waiting: the items to place; none has a host, and none has a rule beside capacity.
        steps: how many fillings may be looked at in all.
        is_late: whether time is up.
    """

    def __init__(self, board: Board, waiting: Iterable[int], steps: int, is_late: Callable[[], bool]) -> None:
        self.board = board
        self.task = board.task
        self.steps = steps
        self.is_late = is_late
        self.random = random.Random(1)  # noqa: S311 - it shuffles; the same seed gives the same placement
        self.items: dict[int, list[int]] = defaultdict(list)
        for number in sorted(waiting, reverse=True):
            self.items[self.task.items[number].workload].append(number)
        self.wanted = Filling({workload: len(numbers) for workload, numbers in sorted(self.items.items())})
        self.sizes = {workload: self._size(workload) for workload in self.wanted}
        self.worth = dict(self.sizes)
        self.allowed = {workload: frozenset(self.task.candidates[workload]) for workload in self.wanted}
        self.hosts = sorted(frozenset[int]().union(*self.allowed.values()))

    def _size(self, workload: int) -> float:
        # Shares of an average host: all of them, and the largest once more, as that one decides where it fits.
        shares = [need / self._average(dimension) for dimension, need in enumerate(self.task.needs[workload])]
        return sum(shares) + max(shares) + 1e-9

    def _average(self, dimension: int) -> float:
        known = [capacity[dimension] for capacity in self.task.capacity if 0 < capacity[dimension] < UNKNOWN]
        return sum(known) / len(known) if known else float(UNKNOWN)

    def run(self) -> None:
        """Place as many as the best pass does."""
        best: dict[int, Filling] = {}
        fewest, idle = self.wanted.total(), 0
        while fewest and idle < _PATIENCE and self.steps > 0 and not self.is_late():
            fillings, left = self._pass()
            idle += 1
            if left.total() < fewest:
                best, fewest, idle = fillings, left.total(), 0
            self._correct(fillings, left)
        for host, filling in sorted(best.items()):
            for workload, count in sorted(filling.items()):
                for _ in range(count):
                    self.board.put(self.items[workload].pop(), host)

    def _pass(self) -> tuple[dict[int, Filling], Filling]:
        left, fillings = Filling(self.wanted), {}
        self.random.shuffle(self.hosts)
        for host in self.hosts:
            fillings[host], looks = best_filling(self._free(host), self._choices(host, left))
            left -= fillings[host]  # takes out what is used up
            self.steps -= looks
        return fillings, left

    def _free(self, host: int) -> Amounts:
        # At least 1: only what needs nothing of a dimension is a choice where nothing is left of it.
        cpu, memory, disk, network = (max(1, column[host]) for column in self.board.free)
        return cpu, memory, disk, network

    def _choices(self, host: int, left: Filling) -> "list[Choice]":
        choices = [
            (workload, self.task.needs[workload], self.worth[workload], count)
            for workload, count in left.items()
            if host in self.allowed[workload] and self.board.has_room(workload, host)
        ]
        # What is worth the most for what it takes comes first.
        return sorted(choices, key=lambda choice: (-choice[2] / self.sizes[choice[0]], choice[0]))

    def _correct(self, fillings: dict[int, Filling], left: Filling) -> None:
        for host, filling in fillings.items():
            used = 1 - min(self._waste(host, filling), 0.6)
            for workload, count in filling.items():
                share = count / (2 * self.wanted[workload])
                self.worth[workload] += share * (self.sizes[workload] / used - self.worth[workload])
        for workload, count in left.items():
            self.worth[workload] *= 1 + _RISE * count / self.wanted[workload]

    def _waste(self, host: int, filling: Filling) -> float:
        """The mean share of the host that stays free, over the dimensions that are known."""
        shares = []
        for dimension, (free, most) in enumerate(zip(self._free(host), self.task.capacity[host], strict=True)):
            if 0 < most < UNKNOWN:
                taken = sum(count * self.task.needs[workload][dimension] for workload, count in filling.items())
                shares.append(max(0.0, (free - taken) / most))
        return sum(shares) / len(shares) if shares else 0.0


def is_worth_filling(waiting: int, hosts: int) -> bool:
    """Whether filling is of use: there is enough to choose from for every host, and not too much."""
    return 2 * hosts <= waiting <= _MOST_EACH * hosts


Choice = tuple[int, Amounts, float, int]
"""A workload, what one instance needs, what it is worth, and how many there are."""


def best_filling(free: Amounts, choices: list[Choice], most_looks: int = _LOOKS_EACH) -> tuple[Filling, int]:
    """The filling of a host that is worth the most, by branch and bound, and how many were looked at.

    Args:
        free: what the host has left.
        choices: what there is, the densest first.
        most_looks: ends the search; the best so far is then the answer.
    """
    bounds = _bounds(choices)
    best: list[int] = []
    highest, looks = 0.0, 0
    taken: list[int] = []

    def fill(first: int, left: Amounts, worth: float) -> None:
        nonlocal best, highest, looks
        looks += 1
        if worth > highest:
            best, highest = list(taken), worth
        a, b, c, d = left
        for place in range(first, len(choices)):
            w, x, y, z = bounds[place]
            if looks >= most_looks or worth + min(w * a, x * b, y * c, z * d) <= highest:
                return
            _, needs, value, count = choices[place]
            e, f, g, h = needs
            if a >= e and b >= f and c >= g and d >= h and taken.count(place) < count:
                taken.append(place)
                fill(place, (a - e, b - f, c - g, d - h), worth + value)
                taken.pop()

    fill(0, free, 0.0)
    return Filling(choices[place][0] for place in best), looks


def _bounds(choices: list[Choice]) -> list[tuple[float, ...]]:
    """For each place, the most that one unit of each dimension is worth from there on."""
    most = [0.0] * len(DIMENSIONS)
    bounds = []
    for _, needs, value, _ in reversed(choices):
        most = [max(old, value / need if need else _BOUNDLESS) for old, need in zip(most, needs, strict=True)]
        bounds.append(tuple(most))
    return bounds[::-1]
