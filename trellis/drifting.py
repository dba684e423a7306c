"""Drift: what somebody else changed since Trellis made it, whatever the stack asks for now; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from trellis.blueprint import Blueprint
from trellis.desiring.problem import fixed_ports
from trellis.observing import Observed
from trellis.placing.naming import short_name
from trellis.plans import Drift
from trellis.plugin.contracts import Provider, TellsDrift
from trellis.remembering import Memory
from trellis.resources import Actual, ResourceKey

_NOT_KEPT = {"image"}  # an image is everybody's: what needs it says so itself


def find_drift(
    observed: Mapping[str, Observed], providers: Mapping[str, Provider], memory: Memory, blueprint: Blueprint
) -> tuple[Drift, ...]:
    """All drift on the hosts that answered, by resource.

    Args:
        observed: the hosts.
        providers: by resource kind.
        memory: what was made.
        blueprint: says which ports a container needs that is not there any more.
    """
    answered = [seen for seen in observed.values() if not seen.problem]
    actuals = [actual for seen in answered for actual in seen.actuals if not actual.foreign]
    gone = list(_gone(actuals, {seen.host.name for seen in answered}, memory))
    found = [
        *_changed(actuals, providers),
        *(Drift(key, "removed by hand") for key in gone),
        *_taken_ports(observed, actuals, gone, blueprint),
    ]
    return tuple(sorted(found))


def _changed(actuals: Iterable[Actual], providers: Mapping[str, Provider]) -> Iterator[Drift]:
    for actual in actuals:
        provider = providers[actual.key.kind]
        if isinstance(provider, TellsDrift) and (what := provider.drift(actual)):
            yield Drift(actual.key, what)


def _gone(actuals: Sequence[Actual], answered: set[str], memory: Memory) -> Iterator[ResourceKey]:
    there = {actual.key for actual in actuals}
    for key in memory.made:
        if key.host in answered and key not in there and key.kind not in _NOT_KEPT and memory.has_made(key):
            yield key


def _taken_ports(
    observed: Mapping[str, Observed], actuals: Sequence[Actual], gone: Sequence[ResourceKey], blueprint: Blueprint
) -> Iterator[Drift]:
    """Ports of containers that do not run, which something that is not Trellis's has taken."""
    idle = {actual.key: _ports_of(actual) for actual in actuals if _is_idle(actual)}
    missing = {key: frozenset[tuple[str, int]]() for key in gone if key.kind == "container"}
    for key, published in (idle | missing).items():
        ports = published | _fixed_ports_of(key, blueprint)
        for protocol, port in sorted(ports & observed[key.host].facts.foreign.ports):
            yield Drift(key, f"its port {protocol}/{port} is taken by something that is not Trellis's")


def _is_idle(actual: Actual) -> bool:
    return actual.key.kind == "container" and not actual.state.get("running")


def _ports_of(actual: Actual) -> frozenset[tuple[str, int]]:
    ports = actual.spec.get("ports")
    found = [port for port in ports if isinstance(port, Mapping)] if isinstance(ports, tuple) else []
    return frozenset((str(port.get("protocol", "tcp")), int(str(port["host_port"]))) for port in found)


def _fixed_ports_of(key: ResourceKey, blueprint: Blueprint) -> frozenset[tuple[str, int]]:
    name = key.name.rpartition("-")[0]
    services = [one for one in blueprint.services if short_name(one.name, 0).rpartition("-")[0] == name]
    return frozenset(port for service in services for port in fixed_ports(service))
