"""What placement is given and what it answers: plain values, no hosts needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Relocatable = Literal["yes", "coordinated", "no"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What one instance takes, or what one host has.

    Attributes:
        cpu: cores.
        memory: bytes.
        disk: bytes.
        network: bits per second.
    """

    cpu: float = 0.0
    memory: int = 0
    disk: int = 0
    network: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a host can give to the stack, foreign use and reserves already taken off; None is unknown, never 0."""

    cpu: float | None = None
    memory: int | None = None
    disk: int | None = None
    network: int | None = None


class Counting(StrEnum):
    """What an instance count is counted over."""

    PER_HOST = "per_host"
    PER_ROLE = "per_role"


@dataclass(frozen=True, slots=True)
class InstancePolicy:
    """How many instances: `low` to `high` over each host of the role, or over the role; `high` None is no limit."""

    low: int
    high: int | None
    counting: Counting


class Strategy(StrEnum):
    """What decides where the rules leave a choice."""

    LEAST_LOADED = "least-loaded"
    SPREAD = "spread"
    PACK = "pack"


@dataclass(frozen=True, slots=True)
class Workload:
    """A service that a role runs.

    Attributes:
        service: the service's name.
        role: the role's name; instances go to hosts that carry it.
        policy: how many instances.
        needs: of each instance.
        host_ports: ports that an instance takes on its host: (protocol, port); one instance a host at most.
        relocatable: whether a running instance may be moved: freely, with the operator's word, or never.
        priority: higher is placed first when not all fit.
        spread_over: label keys; instances are spread evenly over their values.
        pinned_to: host names; when given, instances run on these only.
        apart_from: services that no host may run together with this one.
        together_with: services that run on the same host as every instance of this one.
        requires_labels: label key to value that a host must have.
        requires_facts: fact name to a version specifier (PEP 440, ``>=20``) or an exact value.
        storage_on: storage name to the hosts where its data is active; instances run there only, and do not move.
    """

    service: str
    role: str
    policy: InstancePolicy
    needs: Needs = Needs()
    host_ports: frozenset[tuple[str, int]] = frozenset()
    relocatable: Relocatable = "no"
    priority: int = 0
    spread_over: tuple[str, ...] = ()
    pinned_to: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    together_with: tuple[str, ...] = ()
    requires_labels: Mapping[str, str] = field(default_factory=dict)
    requires_facts: Mapping[str, str] = field(default_factory=dict)
    storage_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostOffer:
    """A host, as placement sees it.

    Attributes:
        name: the host's name in the environment.
        roles: the roles that it carries.
        labels: label key to value.
        facts: fact name to value, as text.
        capacity: what the stack may use; its own running instances are not taken off.
        foreign_ports: (protocol, port) that something else listens on.
        answers: False when the host did not answer: what runs there stays in the plan, nothing new goes there.
        draining: True when its instances are to be planned away.
    """

    name: str
    roles: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    capacity: Capacity = Capacity()
    foreign_ports: frozenset[tuple[str, int]] = frozenset()
    answers: bool = True
    draining: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Running:
    """An instance that runs now; `index` is unique in its service over the whole environment, and starts at 1.

    `needs` is what it was started with; None is unknown: then it counts as what its workload says.
    """

    service: str
    role: str
    index: int
    host: str
    needs: Needs | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """All that placement knows.

    Attributes:
        hosts: of the environment.
        workloads: of the stack; at most one for each pair of role and service.
        running: what runs now.
        role_conflicts: pairs of roles that no host may carry together.
        strategy: for what the rules leave free.
        allow_moves: coordinated services that the operator allows to be moved this time.
        rebalance: True to also move relocatable instances for a better balance.
    """

    hosts: tuple[HostOffer, ...]
    workloads: tuple[Workload, ...]
    running: tuple[Running, ...] = ()
    role_conflicts: frozenset[frozenset[str]] = frozenset()
    strategy: Strategy = Strategy.LEAST_LOADED
    allow_moves: frozenset[str] = frozenset()
    rebalance: bool = False


@dataclass(frozen=True, slots=True, order=True)
class PlacedInstance:
    """One instance on one host, and why there."""

    service: str
    role: str
    index: int
    host: str
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Instances that found no host, with sentences that say what is missing, host by host."""

    service: str
    role: str
    missing: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything runs, sorted by service and index; `shortfalls` is empty when everything fits.

    `stopped` are running instances that are no longer to run, each with the reason why it and not another.
    `proof` says whether a better placement can exist: one sentence for people.
    """

    instances: tuple[PlacedInstance, ...]
    shortfalls: tuple[Shortfall, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: tuple[PlacedInstance, ...] = ()
    proof: str = field(default="", compare=False)
