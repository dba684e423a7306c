"""Count what runs against what is asked: which instances stay in number, which stop, how many are new."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from trellis.placing.amounts import of_needs
from trellis.placing.eligibility import is_picky, may_move, why_not
from trellis.placing.model import Counting, HostOffer, PlacedInstance, Problem, Running, Workload
from trellis.placing.task import Item, Task, make_task


@dataclass(slots=True)
class Stock:
    """What counting found: the items to place, what stops, and what the operator should hear."""

    items: list[Item] = field(default_factory=list)
    stopped: list[PlacedInstance] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def take_stock(problem: Problem) -> tuple[Task, Stock]:
    """Number the problem and count; the task has the items of every workload, in workload order."""
    task = make_task(problem)
    stock = Stock()
    numbers = {host.name: number for number, host in enumerate(task.hosts)}
    runs = _by_workload(_without_copies(problem.running, task, numbers, stock))
    for workload, load in enumerate(task.workloads):
        counter = _Counter(task, workload, load, numbers, stock)
        running = runs.get((load.service, load.role), [])
        if load.policy.counting is Counting.PER_HOST:
            counter.per_host(running)
        else:
            counter.per_role(running)
    _stop_what_is_gone(task, runs, stock)
    return replace(task, items=tuple(stock.items)), stock


def _stop_what_is_gone(task: Task, runs: dict[tuple[str, str], list[Running]], stock: Stock) -> None:
    wanted = {(load.service, load.role) for load in task.workloads}
    silent = {host.name for host in task.hosts if not host.answers}
    for service, role in sorted(runs.keys() - wanted):
        for run in runs[service, role]:
            if run.host not in silent:
                reason = f"role {role} no longer runs {service}"
                stock.stopped.append(PlacedInstance(service, role, run.index, run.host, reason))


def _by_workload(running: Iterable[Running]) -> dict[tuple[str, str], list[Running]]:
    found: dict[tuple[str, str], list[Running]] = defaultdict(list)
    for run in running:
        found[run.service, run.role].append(run)
    return found


def _without_copies(running: tuple[Running, ...], task: Task, numbers: dict[str, int], stock: Stock) -> list[Running]:
    # A move that was cut short leaves an instance on both hosts; one of the two stays.
    def likes(run: Running) -> tuple[bool, bool, str]:
        number = numbers.get(run.host)
        host = task.hosts[number] if number is not None else None
        return host is None or host.draining, host is None or not host.answers, run.host

    kept: list[Running] = []
    seen: dict[tuple[str, int], Running] = {}
    for run in sorted(running, key=lambda run: (run.service, run.index, likes(run))):
        first = seen.setdefault((run.service, run.index), run)
        if first is run:
            kept.append(run)
        else:
            reason = f"a second copy; {run.service}-{run.index} stays on {first.host}"
            stock.stopped.append(PlacedInstance(run.service, run.role, run.index, run.host, reason))
    return kept


class _Counter:
    """Counts one workload's instances."""

    def __init__(self, task: Task, workload: int, load: Workload, numbers: dict[str, int], stock: Stock) -> None:
        self.task = task
        self.workload = workload
        self.load = load
        self.numbers = numbers
        self.stock = stock
        problem = task.problem
        self.movable = may_move(load, problem.allow_moves)
        # Without pins, labels and facts the role alone decides: worth a short cut at 10,000 instances.
        self.plain = not is_picky(load)

    def refusal(self, host: HostOffer) -> str | None:
        """Why an instance that runs on the host may not stay; nothing is known against a host that is silent."""
        if not host.answers and not host.draining:
            return None
        if self.plain and self.load.role in host.roles:
            return None
        return why_not(self.load, host)

    def stop(self, run: Running, reason: str) -> None:
        self.stock.stopped.append(PlacedInstance(run.service, run.role, run.index, run.host, reason))

    # -- over the role

    def per_role(self, running: list[Running]) -> None:
        policy = self.load.policy
        excess = 0 if policy.high is None else len(running) - policy.high
        if excess > 0:
            running = self._without_excess(running, excess)
        items = [self._item_of(run) for run in running]
        # Those that may stay count first: what has to leave is only needed when they are too few.
        items.sort(key=lambda item: (not item.stays, item.index))
        needed = policy.low
        self.stock.items.extend(
            item if number < needed else replace(item, required=False) for number, item in enumerate(items)
        )
        self.stock.items.extend(Item(self.workload) for _ in range(needed - len(items)))

    def _item_of(self, run: Running) -> Item:
        number = self.numbers.get(run.host)
        grown = run.needs is not None and self._grown(run)
        if number is None:
            return Item(self.workload, run.index, grown=grown)
        host = self.task.hosts[number]
        if not host.answers and not host.draining:
            return Item(self.workload, run.index, number, stays=True, movable=False, grown=grown)
        if self.refusal(host) is not None:
            return Item(self.workload, run.index, number, grown=grown)
        stays = not (host.draining and self.movable)
        return Item(self.workload, run.index, number, stays=stays, movable=self.movable, grown=grown)

    def _grown(self, run: Running) -> bool:
        had = of_needs(run.needs) if run.needs is not None else self.task.needs[self.workload]
        return any(now > before for now, before in zip(self.task.needs[self.workload], had, strict=True))

    def _without_excess(self, running: list[Running], excess: int) -> list[Running]:
        rest = sorted(running)
        for _ in range(excess):
            leaving, reason = self._next_to_stop(rest)
            rest.remove(leaving)
            self.stop(leaving, f"{self.load.policy.high} {self.load.service} are wanted; {reason}")
        return rest

    def _next_to_stop(self, running: list[Running]) -> tuple[Running, str]:
        crowd: dict[tuple[str | None, ...], int] = defaultdict(int)
        for run in running:
            crowd[self._labels(run)] += 1
        most = max(crowd.values())

        on_host = Counter(run.host for run in running)

        def rank(run: Running) -> tuple[bool, bool, bool, bool, int, int]:
            host = self._host(run)
            silent = host is not None and not host.answers and not host.draining
            gone = host is None or self.refusal(host) is not None
            draining = host is not None and host.draining
            return not silent, gone, draining, crowd[self._labels(run)] == most, on_host[run.host], run.index

        chosen = max(running, key=rank)
        _, gone, draining, _, _, _ = rank(chosen)
        if gone or draining:
            return chosen, f"it has to leave {chosen.host} anyway"
        if self.load.spread_over and most > min(crowd.values()):
            return chosen, f"most of them are on its {' and '.join(self.load.spread_over)}"
        if on_host[chosen.host] > min(on_host.values()):
            return chosen, f"most of them are on {chosen.host}"
        return chosen, "it has the highest index"

    def _host(self, run: Running) -> HostOffer | None:
        number = self.numbers.get(run.host)
        return None if number is None else self.task.hosts[number]

    def _labels(self, run: Running) -> tuple[str | None, ...]:
        host = self._host(run)
        return tuple(host.labels.get(key) if host else None for key in self.load.spread_over)

    # -- over each host of the role

    def per_host(self, running: list[Running]) -> None:
        by_host: dict[int, list[Running]] = defaultdict(list)
        for run in running:
            number = self.numbers.get(run.host)
            if number is None:
                self.stop(run, f"{run.host} is no longer a host of the environment")
            else:
                by_host[number].append(run)
        open_hosts = set(self.task.candidates[self.workload])
        for number in sorted(open_hosts | by_host.keys()):
            self._on_host(number, sorted(by_host[number]), is_open=number in open_hosts)
        self._warn_of_silent(by_host)
        if not open_hosts and not by_host and self._carried():
            # Hosts carry the role and the rules let none of them run it: somebody must hear that.
            self.stock.items.extend(Item(self.workload) for _ in range(self.load.policy.low))

    def _carried(self) -> bool:
        return any(self.load.role in host.roles and host.answers and not host.draining for host in self.task.hosts)

    def _on_host(self, number: int, running: list[Running], *, is_open: bool) -> None:
        host = self.task.hosts[number]
        silent = not host.answers and not host.draining
        if not is_open and not silent:
            reason = "it is draining" if host.draining else f"it {why_not(self.load, host)}"
            for run in running:
                self.stop(run, f"{host.name} runs no {self.load.service}: {reason}")
            return
        high = self.load.policy.high
        keep = len(running) if high is None or silent else high
        for run in running[keep:]:
            self.stop(run, f"{high} {self.load.service} a host are wanted; it has the highest index")
        low = self.load.policy.low
        for place, run in enumerate(running[:keep]):
            grown = run.needs is not None and self._grown(run)
            self.stock.items.append(
                Item(
                    self.workload, run.index, number, stays=True, movable=False,
                    required=place < low, only=number, grown=grown,
                )
            )  # fmt: skip
        if not silent:
            self.stock.items.extend(Item(self.workload, only=number, movable=False) for _ in range(low - len(running)))

    def _warn_of_silent(self, by_host: dict[int, list[Running]]) -> None:
        low = self.load.policy.low
        silent = [
            host.name
            for number, host in enumerate(self.task.hosts)
            if not host.answers and not host.draining and self.load.role in host.roles
            and len(by_host.get(number, ())) < low
        ]  # fmt: skip
        if silent:
            names = ", ".join(silent)
            self.stock.warnings.append(f"{names} does not answer: {self.load.service} is not started there now")
