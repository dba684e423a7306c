"""Load before and after, moves and explanations: values, and the lines of text that a terminal shows."""

from collections.abc import Iterable
from dataclasses import dataclass

from trellis.placing.amounts import DIMENSIONS, UNKNOWN, of_capacity, of_needs
from trellis.placing.explaining import Explanation
from trellis.placing.model import PlacedInstance, Placement, Problem, Running
from trellis.placing.sequencing import Change, sequence

_FULL, _EMPTY = "█", "·"
_SHORTEST_BAR, _LONGEST_BAR = 5, 20
_BESIDE_THE_BARS = 26  # columns for the dimension, the arrow and both shares
_MOST_HOSTS = 20  # with more, those that stay as they are are not shown
_MOST_SERVICES = 10  # that found no host and are explained; of more, only the number is said


@dataclass(frozen=True, slots=True)
class Load:
    """How full a host is in one dimension, 0 to 1 and above; before and after."""

    host: str
    dimension: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a placement does to the load.

    Attributes:
        loads: by host and dimension, where a capacity is known and something is needed.
        changes: what it takes, in order.
        peak_before: the fullest dimension of the fullest host now.
        peak_after: the same with the placement.
    """

    loads: tuple[Load, ...]
    changes: tuple[Change, ...]
    peak_before: float
    peak_after: float

    @property
    def gain(self) -> float:
        """How much lower the fullest host becomes, in hundredths."""
        return 100 * (self.peak_before - self.peak_after)


def load_report(problem: Problem, placement: Placement) -> LoadReport:
    """The load of every host now and with the placement."""
    before, after = _used(problem, problem.running), _used(problem, placement.instances)
    loads = []
    for host in sorted(problem.hosts, key=lambda host: host.name):
        for dimension, most in enumerate(of_capacity(host.capacity)):
            then, now = after[host.name][dimension], before[host.name][dimension]
            if 0 < most != UNKNOWN and (now or then):
                loads.append(Load(host.name, DIMENSIONS[dimension], now / most, then / most))
    return LoadReport(
        loads=tuple(loads),
        changes=sequence(problem, placement),
        peak_before=max((load.before for load in loads), default=0.0),
        peak_after=max((load.after for load in loads), default=0.0),
    )


def _used(problem: Problem, instances: Iterable[Running | PlacedInstance]) -> dict[str, list[int]]:
    needs = {(load.service, load.role): of_needs(load.needs) for load in problem.workloads}
    used = {host.name: [0] * len(DIMENSIONS) for host in problem.hosts}
    for instance in instances:
        amounts = needs.get((instance.service, instance.role))
        if amounts and instance.host in used:
            used[instance.host] = [a + b for a, b in zip(used[instance.host], amounts, strict=True)]
    return used


def bar(share: float, width: int = 20) -> str:
    """``█████·····`` for a half; a full bar for more than the whole."""
    filled = min(width, max(0, round(share * width)))
    return _FULL * filled + _EMPTY * (width - filled)


def load_lines(report: LoadReport, columns: int = 80) -> list[str]:
    """A line for each host and dimension, with a bar now and then, and a last line with the gain.

    Of many hosts, only those are shown whose load changes.
    """
    shown = _of_interest(report.loads)
    name = max((len(load.host) for load in shown), default=0)
    width = max(_SHORTEST_BAR, min(_LONGEST_BAR, (columns - name - _BESIDE_THE_BARS) // 2))
    lines = [
        f"{load.host:<{name}}  {load.dimension:<7}  {bar(load.before, width)} {load.before:>4.0%}"
        f"  →  {bar(load.after, width)} {load.after:>4.0%}"
        for load in shown
    ]
    others = len({load.host for load in report.loads} - {load.host for load in shown})
    if others:
        lines.append(f"{others} more {'hosts stay as they are' if others > 1 else 'host stays as it is'}")
    moves = sum(1 for change in report.changes if change.verb in {"move", "park"})
    plural = "move" if moves == 1 else "moves"
    return [*lines, f"{moves} {plural}: the fullest is {report.peak_before:.0%} now, {report.peak_after:.0%} then"]


def _of_interest(loads: tuple[Load, ...]) -> tuple[Load, ...]:
    hosts = {load.host for load in loads}
    changing = {load.host for load in loads if load.before != load.after}
    return loads if len(hosts) <= _MOST_HOSTS else tuple(load for load in loads if load.host in changing)


def change_lines(changes: Iterable[Change]) -> list[str]:
    """``move web-1 from ny1 to ny2: makes room on ny1``, one a change."""
    return [_change_line(change) for change in changes]


def _change_line(change: Change) -> str:
    if change.verb == "update":
        return f"update {change.service}-{change.index} on {change.target}: {change.reason}"
    source = f" from {change.source}" if change.source and change.target else ""
    at = f" on {change.source}" if change.source and not change.target else ""
    target = f" {'to' if change.source else 'on'} {change.target}" if change.target else ""
    verb = "stop for now" if change.verb == "interrupt" else change.verb
    return f"{verb} {change.service}-{change.index}{at}{source}{target}: {change.reason}"


def shortfall_lines(placement: Placement) -> list[str]:
    """What found no host and why, host by host."""
    lines = []
    for short in placement.shortfalls[:_MOST_SERVICES]:
        lines.append(f"{short.missing} {short.service} found no host: {short.reasons[0]}")
        lines += [f"  {reason}" for reason in short.reasons[1:]]
    if others := placement.shortfalls[_MOST_SERVICES:]:
        missing = sum(short.missing for short in others)
        lines.append(f"and {missing} of {len(others)} more {'services' if len(others) > 1 else 'service'}")
    return lines


def explanation_lines(explanation: Explanation, most_hosts: int = 20) -> list[str]:
    """Each instance with its reason, then what keeps it from other hosts."""
    lines = []
    for explained in explanation.instances:
        placed = explained.instance
        lines.append(f"{placed.service}-{placed.index} is on {placed.host}: {placed.reason}")
        lines += [f"  not on {other.host}: {other.reason}" for other in explained.elsewhere[:most_hosts]]
        if len(explained.elsewhere) > most_hosts:
            lines.append(f"  and {len(explained.elsewhere) - most_hosts} more hosts")
    lines += [f"{p.service}-{p.index} on {p.host} stops: {p.reason}" for p in explanation.stopped]
    return [*lines, *shortfall_lines(Placement((), explanation.shortfalls))]
