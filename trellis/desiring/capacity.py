"""What a host can give to the stack: what it has, without what others use and what its roles keep free."""

from collections.abc import Iterable
from typing import TypeVar

from trellis.blueprint import Blueprint, RoleSpec
from trellis.desiring.carried import is_instance, role_names
from trellis.hosts import Host
from trellis.observing import Observed
from trellis.placing.model import Capacity
from trellis.resources import Actual

Amount = TypeVar("Amount", int, float)


def capacity_of(host: Host, seen: Observed, blueprint: Blueprint) -> Capacity:
    """The capacity of a host for all of the stack's instances, those that run there included.

    Free disk is what is left beside our own data. What runs counts as if it had written all that it declared, so
    that the capacity does not shrink while it fills what was reserved for it.
    """
    facts, most = seen.facts, host.capacity
    roles = [blueprint.role(name) for name in role_names(host, blueprint)]
    kept = [role.reserves for role in roles]
    disk = None if facts.disk is None else facts.disk + _own_disk(seen.actuals)
    return Capacity(
        cpu=_least(facts.cpus, facts.foreign.cpu, most.cpu, sum(needs.cpu for needs in kept)),
        memory=_least(facts.memory, facts.foreign.memory, most.memory, sum(needs.memory for needs in kept)),
        disk=_least(disk, 0, most.disk, sum(needs.disk for needs in kept) + _on_every_host(roles)),
        network=_least(None, 0, most.network, sum(needs.network for needs in kept)),
    )


def _least(have: Amount | None, foreign: Amount, most: Amount | None, kept: Amount) -> Amount | None:
    left = None if have is None else have - foreign
    limits = [amount for amount in (left, most) if amount is not None]
    return max(kept - kept, min(limits) - kept) if limits else None


def _on_every_host(roles: Iterable[RoleSpec]) -> int:
    """Bytes of the storages that every host of their role holds."""
    return sum(storage.size for role in roles for storage in role.storages if storage.active is None)


def _own_disk(actuals: Iterable[Actual]) -> int:
    sizes = (_size(actual) for actual in actuals if not actual.foreign)
    return sum(size for size in sizes if isinstance(size, int))


def _size(actual: Actual) -> object:
    if actual.key.kind == "volume":
        return actual.spec.get("size")
    return actual.spec.get("disk") if is_instance(actual) else None
