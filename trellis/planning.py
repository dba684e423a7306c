"""Plan: the difference between desired and actual, as ordered steps with reasons; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from trellis.blueprint import Blueprint
from trellis.errors import TrellisError
from trellis.firewall.needs import Need
from trellis.firewall.ordering import firewall_order
from trellis.ordering import Needed, key_of, room_first, with_wishes
from trellis.placing.sequencing import Change
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Provider
from trellis.resources import Actual, Resource, ResourceKey
from trellis.restarting import with_restarts
from trellis.rolling import containers_by_service, paced, rolling

_UNDO = {
    Verb.REPLACE: "the old one is put back and started",
    Verb.MOVE: "the new one is removed; the old one goes on",
    Verb.CREATE: "what was made is removed",
}


@dataclass(frozen=True, slots=True)
class Deciding:
    """What planning needs besides the two sides.

    Attributes:
        providers: by resource kind.
        salt: the environment's salt.
        blueprint: says which services start before which, and how many instances change at a time.
        with_data: True when volumes that are not wanted any more are removed too, as ``destroy`` does.
        needs: who needs to reach what; paths open before and close after what they are for.
        reasons: why a container is on its host, or stops there, as placement says.
        changes: what starts, moves and stops, in an order in which no host exceeds its capacity.
        parked: containers as they are to be on the hosts where they wait while others move.
    """

    providers: Mapping[str, Provider]
    salt: bytes
    blueprint: Blueprint
    with_data: bool = False
    reasons: Mapping[ResourceKey, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    parked: Mapping[ResourceKey, Resource] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()


def steps(desired: Sequence[Resource], actuals: Sequence[Actual], deciding: Deciding) -> tuple[Step, ...]:
    """One step for each resource that is desired or that Trellis made, in an order in which they could be done.

    Args:
        desired: every resource that should be, on hosts that answered.
        actuals: every resource that was found there.
        deciding: who decides, and what orders.
    """
    found = {actual.key: actual for actual in actuals}
    wanted = {resource.key: resource for resource in desired}
    deciding = replace(deciding, reasons={**deciding.reasons, **_interruptions(deciding.changes)})
    decided = [_step(wanted.get(key), found.get(key), deciding) for key in sorted(wanted.keys() | found.keys())]
    moved = _with_moves(with_restarts([step for step in decided if step is not None]), deciding)
    return _in_order(paced(_with_requirements(moved, deciding), deciding.blueprint), deciding)


def with_removals(planned: Sequence[Step], was_made: Callable[[ResourceKey], bool]) -> tuple[Step, ...]:
    """The same steps, where what is missing although Trellis had made it is told apart from what is new.

    Args:
        planned: as `steps` made them.
        was_made: whether Trellis has made that resource; asked only for those that are missing.
    """
    return tuple(
        replace(step, reason="removed by hand, made again", drift=True)
        if step.verb is Verb.CREATE and step.actual is None and was_made(step.key)
        else step
        for step in planned
    )


def _interruptions(changes: Iterable[Change]) -> dict[ResourceKey, str]:
    """Why an instance that is wanted stops, and where it starts again."""
    stopped: dict[tuple[str, int], str] = {}
    reasons = {}
    for change in changes:
        who = change.service, change.index
        if change.verb == "interrupt":
            stopped[who] = str(change.source)
            reasons[key_of(change)] = f"stops for a while: {change.reason}"
        elif change.verb == "start" and who in stopped:
            reasons[key_of(change)] = f"starts again, after it stopped on {stopped[who]}"
    return reasons


def _step(desired: Resource | None, actual: Actual | None, deciding: Deciding) -> Step | None:
    if desired is None and actual is not None and actual.foreign:
        return None
    known = desired or actual
    assert known is not None  # noqa: S101 - for the type checker: one side is given
    key = known.key
    decision = _decision(desired, actual, deciding)
    return Step(
        key=key,
        verb=decision.verb,
        reason=decision.reason,
        resource=desired,
        actual=actual,
        changes=decision.changes,
        drift=decision.drift,
        requires=desired.requires if desired else (),
        undo=_UNDO.get(decision.verb, ""),
    )


def _decision(desired: Resource | None, actual: Actual | None, deciding: Deciding) -> Decision:
    key = (desired or actual).key  # type: ignore[union-attr]  # one side is given
    if desired is None and key.kind == "volume" and not deciding.with_data:
        return Decision(Verb.KEEP, "no longer declared; its data is kept until trellis destroy")
    if key.kind not in deciding.providers:
        raise TrellisError(f"no plugin keeps resources of the kind {key.kind}", where=str(key), hint="trellis plugins")
    decision = deciding.providers[key.kind].decide(desired, actual, deciding.salt)
    if decision.verb is Verb.REMOVE and key in deciding.reasons:
        return replace(decision, reason=deciding.reasons[key])
    return decision


def _with_moves(decided: Sequence[Step], deciding: Deciding) -> list[Step]:
    """A container that is to be made here and removed there, for one instance, is one move."""
    leaving = {
        (step.owner.service, step.owner.index): step
        for step in decided
        if step.key.kind == "container" and step.verb is Verb.REMOVE
    }
    moves: dict[ResourceKey, list[Step]] = {}
    gone: set[ResourceKey] = set()
    stopped = {(change.service, change.index) for change in deciding.changes if change.verb == "interrupt"}
    for step in decided:
        if (step.owner.service, step.owner.index) in stopped:
            if step.verb is Verb.CREATE and step.key in deciding.reasons:
                moves[step.key] = [replace(step, reason=deciding.reasons[step.key])]
            continue
        source = leaving.get((step.owner.service, step.owner.index))
        if step.key.kind == "container" and step.verb is Verb.CREATE and source:
            moves[step.key] = _moves(step, source, deciding)
            gone.add(source.key)
    return [each for step in decided if step.key not in gone for each in moves.get(step.key, [step])]


def _moves(step: Step, source: Step, deciding: Deciding) -> list[Step]:
    """The move, or where it has to wait on a third host the two moves over that one."""
    owner = step.owner
    parks = [
        change
        for change in deciding.changes
        if change.verb == "park" and (change.service, change.index) == (owner.service, owner.index)
    ]
    found, leaving = [], source.key.host
    for change in parks:
        resource = deciding.parked[key_of(change)]
        why = f"from {leaving}, to wait there: {change.reason}"
        requires = resource.requires
        found.append(
            replace(_move(step, source, deciding), key=resource.key, resource=resource, requires=requires,
                    moved_from=leaving, reason=why)
        )  # fmt: skip
        leaving = resource.key.host
    return [*found, replace(_move(step, source, deciding), moved_from=leaving)]


def _move(step: Step, source: Step, deciding: Deciding) -> Step:
    why = deciding.reasons.get(step.key, "")
    return replace(
        step,
        verb=Verb.MOVE,
        reason=f"from {source.key.host}: {why}" if why else f"from {source.key.host}",
        actual=source.actual,
        moved_from=source.key.host,
        undo=_UNDO[Verb.MOVE],
    )


def _with_requirements(decided: Sequence[Step], deciding: Deciding) -> list[Step]:
    acting = {step.key: step for step in decided if step.verb is not Verb.KEEP}
    needed = {key: set(step.requires) & acting.keys() for key, step in acting.items()}
    for key, more in room_first(deciding.changes):
        if key in acting:
            needed[key] |= (more & acting.keys()) - {key}
    for key, more in (*_declared_before(acting), *firewall_order(decided, acting, deciding.needs)):
        needed[key] |= more
    afterwards = tuple(_afterwards(acting, deciding.blueprint))
    wishes: Needed = (
        *_service_order(acting, deciding),
        *_removal_order(acting, deciding),
        *rolling(acting.values(), deciding.blueprint),
        *afterwards,
    )
    if not afterwards and not any(change.source for change in deciding.changes):
        for key, more in wishes:
            needed[key] |= more - {key}
        return [replace(step, requires=tuple(sorted(needed.get(step.key, set())))) for step in decided]
    ranks = {key: deciding.providers[key.kind].kinds[key.kind] for key in acting}
    needed = with_wishes(needed, wishes, ranks)
    return [replace(step, requires=tuple(sorted(needed.get(step.key, set())))) for step in decided]


def _declared_before(acting: Mapping[ResourceKey, Step]) -> Needed:
    """What a resource must be right for, such as a proxy for its certificate."""
    for key, step in acting.items():
        for other in step.resource.required_by if step.resource else ():
            if other in acting:
                yield other, {key}


def _service_order(acting: Mapping[ResourceKey, Step], deciding: Deciding) -> Needed:
    """What a service connects to is right before the service starts; removals go the other way round."""
    containers = containers_by_service(acting.values())
    for service in deciding.blueprint.services:
        for connection in (item for item in service.connections if item.ordered):
            clients, servers = containers.get(service.name, []), containers.get(connection.service, [])
            leaving, right = _removed(clients), _removed(servers, gone=False)
            yield from ((client, right) for client in _removed(clients, gone=False))
            yield from ((server, leaving) for server in _removed(servers))


def _removed(steps: Iterable[Step], *, gone: bool = True) -> set[ResourceKey]:
    return {step.key for step in steps if (step.verb is Verb.REMOVE) is gone}


def _removal_order(acting: Mapping[ResourceKey, Step], deciding: Deciding) -> Needed:
    """Lower ranks are removed last on their host; a container goes when every proxy knows that it will be gone."""
    ranks = {kind: provider.kinds[kind] for kind, provider in deciding.providers.items()}
    top = ranks.get("container", 50)
    proxies = {key for key, step in acting.items() if 40 < ranks[key.kind] < top and step.verb is not Verb.REMOVE}
    freed = _freed(acting)
    for key, step in acting.items():
        if step.verb is not Verb.REMOVE:
            continue
        if ranks[key.kind] == top:
            yield key, proxies
        yield key, {other for other in freed[key.host] if ranks[other.kind] > ranks[key.kind]}


def _freed(acting: Mapping[ResourceKey, Step]) -> Mapping[str, list[ResourceKey]]:
    """By host, the steps that take something off it."""
    found: dict[str, list[ResourceKey]] = defaultdict(list)
    for key, step in acting.items():
        if step.moved_from:
            found[step.moved_from].append(key)
        if step.verb in {Verb.REMOVE, Verb.REPLACE} and key.host != step.moved_from:
            found[key.host].append(key)
    return found


def _afterwards(acting: Mapping[ResourceKey, Step], blueprint: Blueprint) -> Needed:
    """A running proxy learns of servers when they are healthy, unless they wait for an endpoint that it is to offer.

    A proxy that is made now has no visitors to lose.
    """
    links = {
        service.name: {(one.service, one.endpoint) for one in service.connections} for service in blueprint.services
    }
    opening = {key: doors for key, step in acting.items() if (doors := _new_doors(step))}
    for key, doors in opening.items():
        clients = {
            other for other, step in acting.items()
            if other.kind == "container" and links.get(step.owner.service, set()) & doors
        }  # fmt: skip
        yield from ((client, {key}) for client in clients)
        yield key, set(_after(acting[key])) - clients
    yield from ((key, set(_after(step))) for key, step in acting.items() if key not in opening)


def _after(step: Step) -> tuple[ResourceKey, ...]:
    return step.resource.after if step.resource is not None and step.verb is Verb.UPDATE else ()


def _new_doors(step: Step) -> set[tuple[str, str]]:
    """Endpoints that a running proxy is to offer, and does not yet: a spec's ``offers`` are ``MariaDB.sql``."""
    if step.resource is None or step.actual is None:
        return set()
    wanted, had = step.resource.spec.get("offers"), step.actual.spec.get("offers")
    new = set(wanted if isinstance(wanted, tuple) else ()) - set(had if isinstance(had, tuple) else ())
    return {(service, endpoint) for service, _, endpoint in (str(name).partition(".") for name in new)}


def _in_order(decided: Sequence[Step], deciding: Deciding) -> tuple[Step, ...]:
    """Sorted by requirements first, then by rank and name, so that the order is the same at every run."""
    by_key = {step.key: step for step in decided}
    sorter = TopologicalSorter({step.key: step.requires for step in decided})
    sorter.prepare()
    ordered: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda key: (deciding.providers[key.kind].kinds[key.kind], key))
        ordered.extend(by_key[key] for key in ready)
        sorter.done(*ready)
    return tuple(ordered)
