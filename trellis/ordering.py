"""Order the steps of a plan so that no host ever holds more than fits, in whatever way independent steps meet."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush

from trellis.placing.naming import short_name
from trellis.placing.sequencing import Change
from trellis.resources import ResourceKey

Needed = Iterable[tuple[ResourceKey, set[ResourceKey]]]
"""Steps with the steps that have to be done before them."""

Requirements = dict[ResourceKey, set[ResourceKey]]


def key_of(change: Change) -> ResourceKey:
    """The key of the step that makes the change."""
    return ResourceKey("container", short_name(change.service, change.index), change.target or change.source or "")


def room_first(changes: Iterable[Change]) -> Needed:
    """What comes to a host waits for all that leaves it before, in the order in which the changes fit.

    Then any order that keeps these requirements fits as well: when a step starts, what has come to its host came
    before it in the order of changes or not at all, and what had to leave first has left.
    """
    left: dict[str, set[ResourceKey]] = defaultdict(set)
    stopped: dict[tuple[str, int], ResourceKey] = {}
    for change in changes:
        key = key_of(change)
        if change.target is not None:
            before = set(left[change.target])
            if (change.service, change.index) in stopped:
                before.add(stopped[change.service, change.index])
            yield key, before
        if change.source is not None:
            left[change.source].add(key)
        if change.verb in {"park", "interrupt"}:
            stopped[change.service, change.index] = key


def with_wishes(must: Requirements, wishes: Needed, rank: Mapping[ResourceKey, int]) -> Requirements:
    """The requirements, and those wishes that can be met together with them.

    A wish that would make a circle is left out: steps are put in one order that keeps every requirement, a step
    with an unmet wish only where nothing else can go on, and wishes against that order are dropped.

    Args:
        must: what every step requires, without a circle.
        wishes: what should come before what.
        rank: of each step, lower ones first where there is a choice.
    """
    wished: Requirements = {key: set() for key in must}
    for key, more in wishes:
        wished[key] |= {other for other in more if other != key and other in must}
    place = {key: number for number, key in enumerate(_in_one_order(must, wished, rank))}
    last = len(place)
    return {
        key: must[key] | {other for other in wished[key] if place.get(other, last) < place.get(key, last)}
        for key in must
    }


def _in_one_order(must: Requirements, wished: Requirements, rank: Mapping[ResourceKey, int]) -> Iterator[ResourceKey]:
    hard = {key: len(needed) for key, needed in must.items()}
    soft = {key: len(needed - must[key]) for key, needed in wished.items()}
    hard_of, soft_of = _turned(must), _turned({key: wished[key] - must[key] for key in wished})
    done: set[ResourceKey] = set()
    ready = [(soft[key], rank[key], key) for key in must if not hard[key]]
    heapify(ready)
    while ready:
        unmet, _, key = heappop(ready)
        if key in done or unmet != soft[key]:
            continue  # it was put in again when a wish of its was met
        if unmet:
            popped, key = key, _in_a_circle([key, *(other for _, _, other in ready)], done, must, wished) or key
            heappush(ready, (soft[popped], rank[popped], popped))
        done.add(key)
        yield key
        for other in hard_of[key]:
            hard[other] -= 1
        for other in soft_of[key]:
            soft[other] -= 1
        for other in {*hard_of[key], *soft_of[key]} - done:
            if not hard[other]:
                heappush(ready, (soft[other], rank[other], other))


def _turned(needed: Requirements) -> dict[ResourceKey, list[ResourceKey]]:
    turned: dict[ResourceKey, list[ResourceKey]] = defaultdict(list)
    for key, others in needed.items():
        for other in others:
            turned[other].append(key)
    return turned


def _in_a_circle(
    keys: Iterable[ResourceKey], done: Collection[ResourceKey], must: Requirements, wished: Requirements
) -> ResourceKey | None:
    """The first of the keys that, by requirements and wishes, waits for itself: to drop its wish is of use."""
    return next((key for key in sorted(set(keys) - set(done)) if _waits_for_itself(key, done, must, wished)), None)


def _waits_for_itself(
    key: ResourceKey, done: Collection[ResourceKey], must: Requirements, wished: Requirements
) -> bool:
    seen: set[ResourceKey] = set()
    waiting = [key]
    while waiting:
        current = waiting.pop()
        for other in must[current] | wished[current]:
            if other == key:
                return True
            if other not in seen and other not in done:
                seen.add(other)
                waiting.append(other)
    return False
