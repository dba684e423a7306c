"""What the journal knows of hosts: what is on those that do not answer, and what somebody took away from the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from trellis.hosts import ForeignUse, HostFacts
from trellis.observing import Observed
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.state.records import Made
from trellis.values import Value, fingerprinted, freeze_mapping

if TYPE_CHECKING:  # a run that need not know does not import the database
    from trellis.state.store import Store

Known = TypeVar("Known")

_KEPT = ("name", "image", "cpu", "memory", "ports")
"""What of a container's spec placement and its neighbours need while its host does not answer."""


@dataclass(slots=True)
class Memory:
    """What Trellis has made in an environment; read when first asked for, because most runs need not know.

    Attributes:
        state_url: where the journal is.
        environment: its name.
    """

    state_url: str
    environment: str
    _made: Mapping[ResourceKey, Made] | None = field(default=None, init=False)
    _scans: Mapping[str, Mapping[str, Any]] | None = field(default=None, init=False)

    @property
    def made(self) -> Mapping[ResourceKey, Made]:
        """By resource; empty when the journal cannot be read, because losing it must not stop anybody."""
        if self._made is None:
            made = _read(self.state_url, lambda store: store.made(self.environment)) or ()
            self._made = {parse_key(one.key): one for one in made}
        return self._made

    @property
    def scans(self) -> Mapping[str, Mapping[str, Any]]:
        """What the last scan of each host found, as `trellis.scanning.document` has it; likewise."""
        if self._scans is None:
            self._scans = _read(self.state_url, lambda store: store.scans.last(self.environment)) or {}
        return self._scans

    def with_silent_hosts(self, observed: Mapping[str, Observed]) -> dict[str, Observed]:
        """The same, where hosts that did not answer have what is known to be there."""
        return {
            name: replace(seen, actuals=self._on(name), facts=self._facts_of(name)) if seen.problem else seen
            for name, seen in observed.items()
        }

    def has_made(self, key: ResourceKey) -> bool:
        """Whether it was there for certain when Trellis last had to do with it."""
        known = self.made.get(key)
        return known is not None and known.certain

    def _facts_of(self, host: str) -> HostFacts:
        """What it is, but for what it has left: nothing new goes there, and what others use has changed since."""
        from trellis.scanning import facts_of

        facts = facts_of(self.scans[host]) if host in self.scans else None
        return replace(facts or HostFacts(), cpus=None, memory=None, disk=None, foreign=ForeignUse())

    def _on(self, host: str) -> tuple[Actual, ...]:
        return tuple(_actual(key, one) for key, one in sorted(self.made.items()) if key.host == host)


def made_of(resource: Resource, salt: bytes) -> Made:
    """What is to be remembered of a resource."""
    kept = {name: resource.spec[name] for name in _KEPT if name in resource.spec} if _is_container(resource) else {}
    spec = fingerprinted(kept, salt)
    owner = resource.owner
    return Made(str(resource.key), owner.role, owner.service, owner.index, spec if isinstance(spec, dict) else {})


def parse_key(text: str) -> ResourceKey:
    """The key that ``container:website-2@ny1`` says; names may have colons and at-signs in them, hosts may not."""
    kind, _, rest = text.partition(":")
    name, _, host = rest.rpartition("@")
    return ResourceKey(kind, name, host)


def left_alone(observed: Mapping[str, Observed]) -> dict[str, str]:
    """Host that did not answer to the sentence that says what is there and left as it is."""
    return {name: _sentence(name, seen.actuals) for name, seen in observed.items() if seen.problem}


def _sentence(host: str, actuals: Sequence[Actual]) -> str:
    names = [actual.key.name for actual in actuals if actual.key.kind == "container"]
    if not names:
        return f"nothing is planned on {host}, and nothing is known of what runs there"
    verb = "is" if len(names) == 1 else "are"
    return f"{', '.join(names)} on {host} {verb} left alone and not moved"


def _is_container(resource: Resource) -> bool:
    return resource.key.kind == "container"


def _actual(key: ResourceKey, made: Made) -> Actual:
    spec: Mapping[str, Value] = freeze_mapping(made.spec)
    return Actual(key, spec, owner=Owner(made.role, made.service, made.instance))


def _read(state_url: str, read: "Callable[[Store], Known]") -> Known | None:
    """None when the state cannot be read."""
    from trellis.errors import StateError
    from trellis.state.store import open_store

    try:
        store = open_store(state_url)
        try:
            return read(store)
        finally:
            store.close()
    except StateError:
        return None
