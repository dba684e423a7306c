"""Advice on hosts: which role a spare one should get, and which ones could be given back; never acted on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from trellis.placing.deciding import decide
from trellis.placing.model import HostOffer, Placement, Problem, Running, Shortfall
from trellis.placing.permitting import allowing_moves_gives, missing_in
from trellis.placing.solvers.contract import Answer, Limits, Where
from trellis.placing.task import Task

_MOST_RETURNED = 5
_MOST_TRIED = 15  # spare hosts that are tried with a role
_MOST_FOR_ONE_MORE_LOST = 100  # hosts: each one is tried as the one that is lost
_MOST_AT_A_GLANCE = 20  # hosts, for what a plan says in passing
_MOST_PLACED_AT_A_GLANCE = 200
_LIMITS = Limits(seconds=2.0, effort=1_000)


@dataclass(frozen=True, slots=True)
class GiveRole:
    """Give the role to the hosts: `placement` is what would then run, `missing` what would still find no host."""

    role: str
    hosts: tuple[str, ...]
    missing: int
    placement: Placement


@dataclass(frozen=True, slots=True)
class GiveBack:
    """The hosts could all be given back.

    Attributes:
        hosts: their names.
        placement: where everything runs without them: the proof.
        moves: how many instances have to move first.
        one_more_lost: whether all still fits when any one more host is lost; None when that was not tried.
        weakest: the host whose loss would leave something without a host; None when there is none.
    """

    hosts: tuple[str, ...]
    placement: Placement
    moves: int
    one_more_lost: bool | None
    weakest: str | None


@dataclass(frozen=True, slots=True)
class Advice:
    """What an operator might do; `notes` are sentences about what was found and what was not tried."""

    give_roles: tuple[GiveRole, ...]
    give_back: GiveBack | None
    spare: tuple[str, ...]
    notes: tuple[str, ...]
    shortfalls: tuple[Shortfall, ...] = ()


class AtAGlance:
    """A solver that does not search: what the greedy pass could not place stays without a host."""

    name = "at-a-glance"

    def solve(self, task: Task, start: Where, limits: Limits) -> Answer:  # noqa: ARG002 - the contract's signature
        """The start as it is."""
        return Answer(start, proven=False, note="not searched")


def advise(problem: Problem, *, limits: Limits = _LIMITS) -> Advice:
    """Hosts that would help if they got a role, and hosts that are not needed. Nothing is changed.

    Args:
        problem: all that is known.
        limits: what each of the placements that are tried may spend.

    Raises:
        ConfigError, DoesNotFitError: as decide().
    """
    placement = decide(problem, limits=limits)
    spare = spare_hosts(problem, placement)
    if placement.shortfalls:
        notes = _notes_short(problem, placement, limits)
        return Advice(roles_to_give(problem, placement, limits), None, spare, notes, placement.shortfalls)
    give_back = _returnable(problem, placement, limits)
    return Advice((), give_back, spare, _notes_fit(problem, give_back))


def _is_usable(host: HostOffer) -> bool:
    return host.answers and not host.draining


def role_sentence(give: GiveRole, environment: str) -> str:
    """``everything fits with Web on ny3: trellis role add Web ny3 -e prod``."""
    gain = f"{give.missing} would still lack a host" if give.missing else "everything fits"
    hosts = ", ".join(give.hosts)
    return f"{gain} with {give.role} on {hosts}: trellis role add {give.role} {' '.join(give.hosts)} -e {environment}"


def spare_hosts(problem: Problem, placement: Placement) -> tuple[str, ...]:
    """Hosts that could run something and run nothing, by name."""
    busy = {placed.host for placed in placement.instances}
    return tuple(sorted(host.name for host in problem.hosts if host.name not in busy and _is_usable(host)))


def idle_sentences(problem: Problem, placement: Placement, environment: str) -> tuple[str, ...]:
    """What is plain to see about idle hosts, or found in an instant: the short form of `advise`."""
    busy = {placed.host for placed in placement.instances}
    spare = spare_hosts(problem, placement)
    drained = sorted(host.name for host in problem.hosts if host.draining and host.answers and host.name not in busy)
    found = [f"{name} is drained: trellis host retire {name} -e {environment}" for name in drained]
    if spare and placement.instances:
        reserve = _reserve(problem, placement, spare)
        found.append(f"nothing runs on {', '.join(spare)}{reserve}: trellis advise -e {environment}")
    return tuple(found)


def _reserve(problem: Problem, placement: Placement, spare: tuple[str, ...]) -> str:
    # Without a search, only a yes is certain; so nothing is said of the rest, nor where trying would take a while.
    if len(problem.hosts) > _MOST_AT_A_GLANCE or len(placement.instances) > _MOST_PLACED_AT_A_GLANCE:
        return ""
    busy = sorted({placed.host for placed in placement.instances})
    losses = (_lost(problem, placement, {*spare, name}) for name in busy)
    if any(decide(loss, solver=AtAGlance(), limits=_LIMITS).shortfalls for loss in losses):
        return ""
    which = "it" if len(spare) == 1 else "they"
    return f"; {which} could be given back, and everything would still fit if any one more host were lost"


def roles_to_give(problem: Problem, placement: Placement, limits: Limits = _LIMITS) -> tuple[GiveRole, ...]:
    """Roles that spare hosts could get so that more fits; at most the first few hosts are tried for each."""
    return _roles_to_give(problem, placement, spare_hosts(problem, placement)[:_MOST_TRIED], limits)


def _roles_to_give(
    problem: Problem, placement: Placement, spare: tuple[str, ...], limits: Limits
) -> tuple[GiveRole, ...]:
    found = []
    for role in sorted({short.role for short in placement.shortfalls}):
        given: list[str] = []
        best = placement
        for name in spare:
            candidate = _with_role(problem, [*given, name], role)
            if candidate is None:
                continue
            tried = decide(candidate, limits=limits)
            if missing_in(tried) < missing_in(best):
                given.append(name)
                best = tried
            if not any(short.role == role for short in best.shortfalls):
                break
        if given:
            found.append(GiveRole(role, tuple(given), missing_in(best), best))
    return tuple(found)


def _with_role(problem: Problem, names: Iterable[str], role: str) -> Problem | None:
    chosen = set(names)
    hosts = tuple(replace(host, roles=host.roles | {role}) if host.name in chosen else host for host in problem.hosts)
    conflict = any(pair <= host.roles for host in hosts if host.name in chosen for pair in problem.role_conflicts)
    return None if conflict else replace(problem, hosts=hosts)


def _returnable(problem: Problem, placement: Placement, limits: Limits) -> GiveBack | None:
    gone: list[str] = []
    best: Placement | None = None
    for name in _least_needed(problem, placement):
        tried = decide(_drained(problem, [*gone, name]), limits=limits)
        if not tried.shortfalls and not ({p.host for p in tried.instances} & {*gone, name}):
            gone.append(name)
            best = tried
        if len(gone) == _MOST_RETURNED or len(gone) == len(problem.hosts) - 1:
            break
    if best is None:
        return None
    homes = {(run.service, run.index): run.host for run in problem.running}
    moves = sum(1 for p in best.instances if homes.get((p.service, p.index), p.host) != p.host)
    weakest, tried_all = _weakest(problem, best, gone, limits)
    fits = weakest is None if tried_all else None
    return GiveBack(tuple(gone), best, moves, fits, weakest)


def _least_needed(problem: Problem, placement: Placement) -> list[str]:
    count = dict.fromkeys((host.name for host in problem.hosts if _is_usable(host)), 0)
    for placed in placement.instances:
        if placed.host in count:
            count[placed.host] += 1
    return sorted(count, key=lambda name: (count[name], name))[: 3 * _MOST_RETURNED]


def _drained(problem: Problem, names: Iterable[str]) -> Problem:
    chosen = set(names)
    hosts = tuple(replace(host, draining=True) if host.name in chosen else host for host in problem.hosts)
    return replace(problem, hosts=hosts)


def _weakest(problem: Problem, placement: Placement, gone: list[str], limits: Limits) -> tuple[str | None, bool]:
    """The host whose loss would be one too many, and whether every host was tried."""
    left = [host.name for host in problem.hosts if host.name not in gone]
    if len(left) > _MOST_FOR_ONE_MORE_LOST:
        return None, False
    for name in sorted(left):
        if decide(_lost(problem, placement, {*gone, name}), limits=limits).shortfalls:
            return name, True
    return None, True


def _lost(problem: Problem, placement: Placement, names: set[str]) -> Problem:
    # What ran on a lost host is gone: it starts again elsewhere, whether or not it could have been moved.
    running = tuple(Running(p.service, p.role, p.index, p.host) for p in placement.instances if p.host not in names)
    return replace(_drained(problem, names), running=running)


def _notes_short(problem: Problem, placement: Placement, limits: Limits) -> tuple[str, ...]:
    gain = allowing_moves_gives(problem, placement, limits)
    return (gain,) if gain else ()


def _notes_fit(problem: Problem, give_back: GiveBack | None) -> tuple[str, ...]:
    if give_back is None:
        return ("everything fits, and every host is needed",)
    names = ", ".join(give_back.hosts)
    moves = give_back.moves
    after = f" after {moves} {'move' if moves == 1 else 'moves'}" if moves else ""
    first = f"{names} could be given back{after}: everything fits on the others"
    if give_back.one_more_lost is None:
        return first, f"the loss of one more host was not tried: there are {len(problem.hosts)} hosts"
    if give_back.weakest:
        return first, f"but if {give_back.weakest} were lost as well, not everything would fit"
    return first, "and everything would still fit if any one more host were lost"
