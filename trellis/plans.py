"""A plan and its steps: data that prints, is saved, is compared, and is applied by code that decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import Value
from trellis_dsl.secret import Secret

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.deployment import SiteAddress


class Verb(StrEnum):
    """What a step does to its resource."""

    CREATE = "create"
    UPDATE = "update"  # in place, without stopping what it serves
    REPLACE = "replace"  # the old one stops, a new one takes its name
    MOVE = "move"  # the same instance, on another host
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a dotted path into the spec or the state, and both sides (secrets masked when shown)."""

    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Decision:
    """What a provider decides about one resource, and why.

    Attributes:
        verb: `Verb.KEEP` when nothing is to be done.
        reason: a sentence without the resource's name: ``image 7.1 → 7.2``, ``already equal``.
        changes: the differences behind it, for ``--diff``.
        drift: True when someone else changed or removed what Trellis had made.
    """

    verb: Verb
    reason: str
    changes: tuple[Change, ...] = ()
    drift: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One resource that is not as Trellis left it, and how that is seen, as a sentence."""

    key: ResourceKey
    what: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One recorded call of a service's own update method: ``stop``, ``start`` or ``run`` with its arguments."""

    verb: str
    argv: tuple[str | Secret, ...] = ()

    def __str__(self) -> str:
        """``run mariadb-upgrade``; secrets masked."""
        return " ".join((self.verb, *map(str, self.argv)))


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one resource.

    Attributes:
        key: the resource; for a move, on the host it moves to.
        verb: what is done.
        reason: why, as a sentence.
        resource: how it should be afterwards; None for a removal.
        actual: how it was found; None for a creation.
        changes: the differences, for ``--diff``.
        drift: it puts right what someone else changed.
        requires: steps that must have succeeded before this one starts.
        undo: what puts things back when this step fails, as a sentence; empty when nothing needs to be.
        instructions: the service's own update instructions; empty for the default rollout.
        moved_from: the host that the instance leaves, for a move.
        pause: seconds to wait before it starts, once all that it requires has succeeded.
        watch: seconds that what it changed is watched before it counts as done.
    """

    key: ResourceKey
    verb: Verb
    reason: str
    resource: Resource | None = None
    actual: Actual | None = None
    changes: tuple[Change, ...] = ()
    drift: bool = False
    requires: tuple[ResourceKey, ...] = ()
    undo: str = ""
    instructions: tuple[Instruction, ...] = ()
    moved_from: str = ""
    pause: float = 0.0
    watch: float = 0.0

    @property
    def owner(self) -> Owner:
        """What the step's resource is there for."""
        known = self.resource or self.actual
        return known.owner if known else Owner()


@dataclass(frozen=True, slots=True)
class Limit:
    """The hosts and roles that a plan is about; empty means all of them."""

    hosts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hosts or self.roles)

    def __str__(self) -> str:
        """``host ny1; role Web``, for messages."""
        named = (("host", self.hosts), ("role", self.roles))
        return "; ".join(f"{word} {', '.join(names)}" for word, names in named if names)


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between desired and actual.

    Attributes:
        stack: the stack's name.
        environment: the environment's name.
        steps: in an order in which they could be applied one by one.
        bound_to: digests of what the plan was made from, by name: blueprint, config, actual. A plan is stale
            when one of them has moved.
        warnings: sentences about what the operator should know and nothing is done about.
        unreachable: hosts that did not answer, with the reason; nothing is planned on them.
        proof: whether a better placement can exist, or what ended the search for one; empty when nothing moves.
        advice: sentences about hosts that could be used better; never acted on.
        allow_moves: coordinated services that the operator allowed to be moved.
        rebalance: what may be moved is moved for a better balance.
        limit: the hosts and roles that the steps are about; what else there is to do is left out.
        drift: what somebody else changed or removed, also where the stack asks for something else by now.
        sites: where the stack's sites answer once the plan is applied.
    """

    stack: str
    environment: str
    steps: tuple[Step, ...]
    bound_to: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unreachable: Mapping[str, str] = field(default_factory=dict)
    proof: str = ""
    advice: tuple[str, ...] = ()
    allow_moves: tuple[str, ...] = ()
    rebalance: bool = False
    limit: Limit = Limit()
    drift: tuple[Drift, ...] = ()
    sites: tuple["SiteAddress", ...] = ()

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that do something."""
        return tuple(step for step in self.steps if step.verb is not Verb.KEEP)

    @property
    def summary(self) -> dict[str, int]:
        """How many steps there are of each verb; all six verbs are present."""
        return {verb.value: sum(step.verb is verb for step in self.steps) for verb in Verb}
