"""Resources: the things on hosts that providers keep, as desired and as found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trellis.values import Value


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """What a resource is, wherever it is described: a kind and a name on a host."""

    kind: str
    name: str
    host: str

    def __str__(self) -> str:
        """``container:website-2@ny1``, the form that plans and the journal use."""
        return f"{self.kind}:{self.name}@{self.host}"


@dataclass(frozen=True, slots=True)
class Owner:
    """What a resource is there for; empty where it serves the whole stack on its host.

    Attributes:
        role: the role's name.
        service: the service's name.
        index: the instance's number in its service, from 1; 0 when it is not one instance's.
    """

    role: str = ""
    service: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it should be.

    Attributes:
        key: kind, name and host.
        spec: what the provider of that kind needs to know; the provider documents the fields. Secrets stay `Secret`.
        owner: what it is there for.
        requires: resources that must be right before this one is touched.
        required_by: resources that are touched only when this one is right.
        after: resources that are right before this one is changed, where nothing stands against it.
    """

    key: ResourceKey
    spec: Mapping[str, Value]
    owner: Owner = Owner()
    requires: tuple[ResourceKey, ...] = ()
    required_by: tuple[ResourceKey, ...] = ()
    after: tuple[ResourceKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Actual:
    """A resource as a provider found it on a host.

    Attributes:
        key: kind, name and host.
        spec: the spec that Trellis last gave it, secrets as fingerprints; empty when that is not known.
        state: what it is like now, in the provider's own fields, JSON values only.
        owner: what it is there for.
        foreign: True when it is not Trellis's: never touched, only counted or reported.
    """

    key: ResourceKey
    spec: Mapping[str, Value] = field(default_factory=dict)
    state: Mapping[str, Value] = field(default_factory=dict)
    owner: Owner = Owner()
    foreign: bool = False
