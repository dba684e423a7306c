"""What the journal knows of hosts: what is on those that do not answer, and what somebody took away from the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from trellis.observing import Observed
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.state.records import Made
from trellis.values import Value, fingerprinted, freeze_mapping

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

    @property
    def made(self) -> Mapping[ResourceKey, Made]:
        """By resource; empty when the journal cannot be read, because losing it must not stop anybody."""
        if self._made is None:
            self._made = {parse_key(one.key): one for one in _read(self.state_url, self.environment)}
        return self._made

    def with_silent_hosts(self, observed: Mapping[str, Observed]) -> dict[str, Observed]:
        """The same, where hosts that did not answer have what is known to be there."""
        return {
            name: replace(seen, actuals=self._on(name)) if seen.problem else seen for name, seen in observed.items()
        }

    def has_made(self, key: ResourceKey) -> bool:
        """Whether it was there for certain when Trellis last had to do with it."""
        known = self.made.get(key)
        return known is not None and known.certain

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


def _read(state_url: str, environment: str) -> Sequence[Made]:
    from trellis.errors import StateError
    from trellis.state.store import open_store

    try:
        store = open_store(state_url)
        try:
            return store.made(environment)
        finally:
            store.close()
    except StateError:
        return ()
