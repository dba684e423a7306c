"""Say what found no host: service, dimension and amount, host by host."""

from collections import Counter
from dataclasses import replace

from trellis.placing.amounts import DIMENSIONS, UNKNOWN, in_words
from trellis.placing.board import Board
from trellis.placing.eligibility import why_not, why_not_movable, why_nothing_new
from trellis.placing.model import Counting, HostOffer, Shortfall, Workload

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
    if stuck := _stuck(board, workload):
        return stuck
    hosts = _hosts_of_interest(board, workload)
    named = hosts[:_HOSTS_NAMED]
    lines = [f"{task.hosts[host].name}: {_why_not_there(board, workload, host)}" for host in named]
    if len(hosts) > _HOSTS_NAMED:
        lines.append(f"and {len(hosts) - _HOSTS_NAMED} more hosts that carry {load.role}")
    together = conflicting_rules(board, workload)
    if len(together) > 1:
        lines.append(f"these rules together leave no host: {'; '.join(together)}")
    return (_headline(board, workload, hosts), *lines)


def _stuck(board: Board, workload: int) -> tuple[str, ...]:
    """What runs, can neither stay nor be moved, and where it could go; nothing where that is not the matter."""
    task = board.task
    load = task.workloads[workload]
    homeless = [n for n in board.homeless() if task.items[n].workload == workload and task.items[n].required]
    lines = []
    for number in homeless:
        item = task.items[number]
        if item.index is None or item.home is None or item.only is not None or item.bound_to is None:
            return ()
        if (obstacle := board.obstacle(workload, item.home)) is None:
            return ()
        home = task.hosts[item.home].name
        lines.append(f"{task.name(item)} cannot stay on {home}: {obstacle}; {why_not_movable(load)}")
    open_hosts = [task.hosts[host].name for host in task.candidates[workload] if board.fits(workload, host)]
    more = f" and {len(open_hosts) - _HOSTS_NAMED} more" if len(open_hosts) > _HOSTS_NAMED else ""
    has = "have" if len(open_hosts) > 1 else "has"
    where = f"{', '.join(open_hosts[:_HOSTS_NAMED])}{more} {has} room" if open_hosts else "no other host has room"
    return (*lines, where)


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
    if refusal:
        return refusal
    obstacle = board.obstacle(workload, host)
    if obstacle is None:
        return "has room, and other instances need it"
    return f"{obstacle}{_what_would_free_it(board, workload, host)}"


def _what_would_free_it(board: Board, workload: int, host: int) -> str:
    """The smallest instance on the host without which it would fit, and why it is not simply moved."""
    task = board.task
    for number in sorted(board.on[host], key=lambda n: (sum(task.needs[task.items[n].workload]), n)):
        item = task.items[number]
        if task.workloads[item.workload].service == task.workloads[workload].service:
            continue
        mark = board.mark()
        board.take(number)
        frees = board.fits(workload, host)
        elsewhere = frees and any(board.fits(item.workload, h) for h in task.candidates[item.workload] if h != host)
        board.undo(mark)
        if frees:
            return f"; moving {task.name(item)} would free it, but {_why_not_moved(board, number, elsewhere)}"
    return ""


def _why_not_moved(board: Board, number: int, elsewhere: bool) -> str:  # noqa: FBT001 - a fact, not a switch
    item = board.task.items[number]
    load = board.task.workloads[item.workload]
    if item.only is not None:
        return f"{load.service} runs on each host of {load.role}"
    if not item.movable:
        return why_not_movable(load)
    return "that would leave another without room" if elsewhere else f"no other host has room for {load.service}"


def conflicting_rules(board: Board, workload: int) -> tuple[str, ...]:
    """A smallest set of rules that together leave the workload no host: without any one of them it has one.

    Taken with everything else where it is.
    """
    load = board.task.workloads[workload]
    blocked = [_blocked_by(board, workload, host) for host in range(len(board.task.hosts))]
    rules = sorted({rule for reasons in blocked for rule in reasons})
    if not all(blocked) or load.policy.counting is Counting.PER_HOST:
        return ()
    kept = list(rules)
    for rule in rules:
        fewer = [other for other in kept if other != rule]
        if all(reasons & set(fewer) for reasons in blocked):
            kept = fewer
    return tuple(kept)


def _blocked_by(board: Board, workload: int, host: int) -> set[str]:
    offer = board.task.hosts[host]
    load = board.task.workloads[workload]
    found = {f"{DIMENSIONS[dimension]} of the hosts" for dimension, _ in board.lacking(workload, host)}
    found |= {f"label {key}={value}" for key, value in load.requires_labels.items() if offer.labels.get(key) != value}
    for name, wanted in load.requires_facts.items():
        if why_not(
            Workload(load.service, load.role, load.policy, requires_facts={name: wanted}), _as(offer, load.role)
        ):
            found.add(f"fact {name} {wanted}")
    if load.role not in offer.roles:
        found.add(f"role {load.role}")
    for storage, holders in load.storage_on.items():
        if offer.name not in holders:
            found.add(f"storage {storage} active on {', '.join(sorted(holders))}")
    if load.pinned_to and offer.name not in load.pinned_to:
        found.add(f"pinned to {', '.join(sorted(load.pinned_to))}")
    if refusal := why_nothing_new(offer):
        found.add(f"{offer.name} {refusal}")
    if broken := board.broken_rule(workload, host):
        found.add(broken)
    return found


def _as(offer: HostOffer, role: str) -> HostOffer:
    return replace(offer, roles=frozenset({role}))


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
