"""In which order and at what pace a service's running instances are replaced, and where that leaves a gap; pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from trellis.blueprint import Blueprint, ServiceSpec, UpdateSpec
from trellis.deployment import Deployment
from trellis.ordering import Needed
from trellis.plans import Step, Verb
from trellis.resources import ResourceKey
from trellis.values import Value

_CHANGING = frozenset({Verb.REPLACE, Verb.MOVE, Verb.UPDATE})
_STOPPING = frozenset({Verb.REPLACE, Verb.MOVE})


def containers_by_service(steps: Iterable[Step]) -> Mapping[str, list[Step]]:
    """Each service's container steps, by index; nothing for a service that has none."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.key.kind == "container":
            found[step.owner.service].append(step)
    for steps_of in found.values():
        steps_of.sort(key=lambda step: (step.owner.index, step.key))
    return found


def rolling(acting: Collection[Step], blueprint: Blueprint) -> Needed:
    """Instances that serve change a batch at a time, canaries first; new ones of the same service are there before."""
    containers = containers_by_service(acting)
    for service in blueprint.services:
        steps_of = containers.get(service.name, [])
        new = {step.key for step in steps_of if step.verb is Verb.CREATE}
        before = new
        for batch in _batches(steps_of, service.update):
            yield from ((step.key, before) for step in batch)
            before = new | {step.key for step in batch}
        changing = {step.key for step in steps_of if step.verb in _CHANGING}
        yield from ((step.key, new | changing) for step in steps_of if step.verb is Verb.REMOVE)


def paced(steps: Sequence[Step], blueprint: Blueprint) -> list[Step]:
    """The same steps, with what a service's rollout says about waiting between batches and watching canaries."""
    pace: dict[ResourceKey, tuple[float, float]] = {}
    containers = containers_by_service(steps)
    for service in (one for one in blueprint.services if one.update.pause or one.update.canary):
        for place, batch in enumerate(_batches(containers.get(service.name, []), service.update)):
            pause = service.update.pause if place else 0.0
            watch = service.update.watch if service.update.canary and not place else 0.0
            pace.update({step.key: (pause, watch) for step in batch if step.verb in _STOPPING})
    return [
        replace(step, pause=pace[step.key][0], watch=pace[step.key][1]) if step.key in pace else step for step in steps
    ]


def _batches(steps_of: Sequence[Step], update: UpdateSpec) -> Iterator[list[Step]]:
    changing = [step for step in steps_of if step.verb in _CHANGING]
    if update.canary and changing[: update.canary]:
        yield changing[: update.canary]
    rest, size = changing[update.canary :], max(1, update.batch)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]


def gaps(steps: Sequence[Step], deployment: Deployment) -> Iterator[str]:
    """A sentence for each service that visitors miss while its only instance is replaced."""
    replaced = containers_by_service(step for step in steps if step.verb is Verb.REPLACE)
    for service in (one for one in deployment.blueprint.services if one.name in replaced):
        serving = [one for one in deployment.instances if one.service.name == service.name]
        stopping = replaced[service.name]
        missed = [step for step in stopping if not overlaps(step, service)]
        if missed and len(missed) == len(stopping) and is_balanced(service) and _all_at_once(missed, serving, service):
            yield (
                f"{service.name} does not answer while {missed[0].key.name} is replaced: "
                f"{'it is its only instance' if len(serving) == 1 else 'all of its instances stop at once'}, and the "
                f"old one stops before the new one starts. {_remedy(service)}"
            )


def overlaps(step: Step, service: ServiceSpec) -> bool:
    """Whether the new one may start before the old one stops: it was asked for, and they do not share a port."""
    if not service.update.start_first or step.resource is None or step.actual is None:
        return False
    return not _host_ports(step.resource.spec.get("ports")) & _host_ports(step.actual.spec.get("ports"))


def is_balanced(service: ServiceSpec) -> bool:
    """Whether a balancer sends traffic to it."""
    return bool(service.sites) or any(endpoint.balanced for endpoint in service.endpoints)


def _all_at_once(missed: Sequence[Step], serving: Sequence[object], service: ServiceSpec) -> bool:
    return len(missed) == len(serving) <= max(1, service.update.batch) and not 0 < service.update.canary < len(serving)


def _remedy(service: ServiceSpec) -> str:
    if service.mounts:
        return "Its data can have one user at a time, so that cannot be helped"
    if service.update.start_first:
        return "start_first needs endpoints whose ports on the host Trellis may choose"
    return "rollout=Rollout(start_first=True) leaves no gap, nor do two instances"


def _host_ports(ports: Value) -> set[tuple[object, object]]:
    if not isinstance(ports, tuple):
        return set()
    return {(port["protocol"], port["host_port"]) for port in ports if not isinstance(port, str) and port}  # type: ignore[index,call-overload]  # a container's spec has mappings there
