"""Say what found no host: service, dimension and amount, host by host."""

from collections import Counter

from trellis.placing.amounts import UNKNOWN, in_words
from trellis.placing.board import Board
from trellis.placing.eligibility import why_not, why_nothing_new
from trellis.placing.model import Counting, Shortfall

_HOSTS_NAMED = 5


def explain_shortfalls(board: Board) -> tuple[tuple[Shortfall, ...], list[str]]:
    """Shortfalls, most important first, and warnings of roles that no host carries."""
    task = board.task
    missing = Counter(task.items[n].workload for n in board.homeless() if task.items[n].required)
    carried = {role for host in task.hosts for role in host.roles}
    found, warnings = [], []
    for workload in sorted(missing, key=lambda w: (-task.workloads[w].priority, w)):
        load = task.workloads[workload]
        if load.role in carried:
            found.append(Shortfall(load.service, load.role, missing[workload], _reasons(board, workload)))
        else:
            warnings.append(f"no host carries the role {load.role}: {load.service} does not run")
    return tuple(found), warnings


def _reasons(board: Board, workload: int) -> tuple[str, ...]:
    task = board.task
    load = task.workloads[workload]
    hosts = _hosts_of_interest(board, workload)
    said = [_why_not_there(board, workload, host) for host in hosts]
    lines = [f"{task.hosts[host].name}: {reason}" for host, reason in zip(hosts, said, strict=True)]
    if len(lines) > _HOSTS_NAMED:
        lines = [*lines[:_HOSTS_NAMED], f"and {len(lines) - _HOSTS_NAMED} more hosts that carry {load.role}"]
    return (_headline(board, workload, hosts), *lines)


def _hosts_of_interest(board: Board, workload: int) -> list[int]:
    # The nearest miss first: where the missing share of the host is the smallest.
    task = board.task
    load = task.workloads[workload]
    if load.policy.counting is Counting.PER_HOST:
        only = [task.items[n].only for n in board.homeless() if task.items[n].workload == workload]
        if hosts := [host for host in only if host is not None]:
            return hosts
    carrying = [host for host, offer in enumerate(task.hosts) if load.role in offer.roles]
    open_hosts = set(task.candidates[workload])

    def miss(host: int) -> tuple[bool, float, int]:
        return host not in open_hosts, -min(board.left(host, workload), 0.0), host

    return sorted(carrying, key=miss)


def _why_not_there(board: Board, workload: int, host: int) -> str:
    task = board.task
    offer = task.hosts[host]
    refusal = why_nothing_new(offer) or why_not(task.workloads[workload], offer)
    return refusal or board.obstacle(workload, host) or "has room, and other instances need it"


def _headline(board: Board, workload: int, hosts: list[int]) -> str:
    task = board.task
    load = task.workloads[workload]
    open_hosts = [host for host in hosts if host in task.candidates[workload]]
    if not open_hosts:
        return f"{load.service} has no host that it may run on, of {len(hosts)} that carry {load.role}"
    lacking = [(host, board.lacking(workload, host)) for host in open_hosts]
    short = [(host, what) for host, what in lacking if what]
    if not short:
        return f"{load.service} fits no host by the rules"
    host, what = short[0]
    needs = " and ".join(in_words(dimension, task.needs[workload][dimension]) for dimension, _ in what)
    amount = " and ".join(in_words(*each) for each in what if each[1] < UNKNOWN)
    return f"{load.service} needs {needs} an instance; the best host, {task.hosts[host].name}, is {amount} short"
