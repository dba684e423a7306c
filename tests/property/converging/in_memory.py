"""Hosts and their resources in memory: a provider as simple as one can be, and as real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from trellis.errors import ApplyError, UnreachableError
from trellis.hosts import Host, HostSession
from trellis.observing import Observed
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Resource, ResourceKey

KINDS: Mapping[str, int] = MappingProxyType({"network": 20, "volume": 30, "file": 40, "proxy": 45, "container": 50})


class Session:
    """A session that nobody needs to talk through."""

    def __init__(self, host: str) -> None:
        self.host = Host(host)


@dataclass
class InMemory:
    """What is on all hosts, and what goes wrong.

    Attributes:
        things: what is there.
        silent: hosts that do not answer any more.
        failing: resources at which every step fails, without a trace.
        log: the steps that were done.
    """

    things: dict[ResourceKey, Actual] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    failing: set[ResourceKey] = field(default_factory=set)
    log: list[Step] = field(default_factory=list)

    kinds = KINDS

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        del scope
        return self.on(session.host.name)

    def on(self, host: str) -> list[Actual]:
        return [actual for key, actual in sorted(self.things.items()) if key.host == host]

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        del salt
        if desired is None:
            return Decision(Verb.REMOVE, "no longer in the stack")
        if actual is None:
            return Decision(Verb.CREATE, "not there yet")
        if desired.spec != actual.spec:
            return Decision(Verb.REPLACE, "differs")
        return Decision(Verb.KEEP, "already equal")

    async def apply(self, step: Step, applying: Applying) -> None:
        del applying
        if step.key.host in self.silent or step.moved_from in self.silent:
            raise UnreachableError(f"{step.key.host} stopped answering")
        if step.key in self.failing:
            raise ApplyError("it cannot be done")
        self.log.append(step)
        if step.verb is Verb.REMOVE:
            self.things.pop(step.key, None)
            return
        assert step.resource is not None
        self.things[step.key] = Actual(step.key, step.resource.spec, owner=step.resource.owner)
        if step.moved_from:
            self.things.pop(ResourceKey(step.key.kind, step.key.name, step.moved_from), None)

    def observed(self, hosts: Sequence[str]) -> dict[str, Observed]:
        scope = Scope("shop", "dev")
        return {name: Observed(Host(name), scope, Session(name)) for name in hosts}  # type: ignore[arg-type]
