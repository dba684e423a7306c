"""Paths open before the instances that need them change, and close after it; pure."""

from collections.abc import Iterable, Iterator, Mapping

from trellis.firewall.needs import Need
from trellis.firewall.resources import CLOSING, OPENING
from trellis.plans import Step, Verb
from trellis.resources import ResourceKey

Needed = Iterable[tuple[ResourceKey, set[ResourceKey]]]


def firewall_order(decided: Iterable[Step], acting: Mapping[ResourceKey, Step], needs: Iterable[Need]) -> Needed:
    """Who waits for whom: a container for the rules of its own hosts and of those at the other ends of its connections.

    Rules that only go away wait for the containers instead.
    """
    walls = [step for step in acting.values() if step.key.kind in {OPENING, CLOSING}]
    if not walls:
        return
    ends = _ends(needs)
    places = _places(decided)
    waiting: dict[str, set[ResourceKey]] = {}
    for step in acting.values():
        if step.key.kind == "container":
            for host in _touched(step, ends, places):
                waiting.setdefault(host, set()).add(step.key)
    for wall in walls:
        containers = waiting.get(wall.key.host, set())
        if wall.key.kind == OPENING and wall.verb is not Verb.REMOVE:
            yield from ((container, {wall.key}) for container in containers)
        else:
            yield wall.key, containers


def _ends(needs: Iterable[Need]) -> dict[str, set[str]]:
    """Each service to those at the other ends of its connections, either way."""
    found: dict[str, set[str]] = {}
    for need in needs:
        found.setdefault(need.client, set()).add(need.server)
        found.setdefault(need.server, set()).add(need.client)
    return found


def _places(decided: Iterable[Step]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for step in decided:
        if step.key.kind == "container":
            found.setdefault(step.owner.service, set()).update(_hosts(step))
    return found


def _hosts(step: Step) -> Iterator[str]:
    yield step.key.host
    if step.moved_from:
        yield step.moved_from


def _touched(step: Step, ends: Mapping[str, set[str]], places: Mapping[str, set[str]]) -> set[str]:
    others = (places.get(service, set()) for service in ends.get(step.owner.service, set()))
    return {*_hosts(step), *(host for found in others for host in found)}
