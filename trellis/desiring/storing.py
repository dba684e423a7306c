"""Where a role's storage is active: its service has to be there, because the data is."""

from collections.abc import Mapping

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec, StorageSpec
from trellis.observing import Observed


def volume_name(stack: str, environment: str, role: str, storage: str) -> str:
    """The name of the volume that holds a storage, on each host where there is one."""
    return f"{stack}-{environment}-{role.lower()}-{storage}"


def storage_on(
    blueprint: Blueprint,
    environment: str,
    role: RoleSpec,
    run: RunsSpec,
    observed: Mapping[str, Observed],
) -> dict[str, tuple[str, ...]]:
    """Storage name to the hosts that hold its data; without what is active everywhere or not there yet.

    Args:
        blueprint: the stack.
        environment: its name.
        role: whose storage it is.
        run: the service that mounts it.
        observed: each host, by name; those that did not answer with what is known to be there.
    """
    found = {}
    for storage in _limited(role, run):
        volume = volume_name(blueprint.stack, environment, role.name, storage.name)
        holders = _holders(volume, observed)
        using = _using(run.service, holders, observed)
        if holders:
            found[storage.name] = tuple(sorted(using or holders))
    return found


def disk_of(role: RoleSpec, run: RunsSpec) -> int:
    """Bytes of the storages that come with an instance: those that are not active on every host of the role."""
    first = {storage: other.service for other in reversed(role.runs) for _, storage in other.storages}
    return sum(storage.size for storage in _limited(role, run) if first[storage.name] == run.service)


def _limited(role: RoleSpec, run: RunsSpec) -> list[StorageSpec]:
    mounted = {storage for _, storage in run.storages}
    return [storage for storage in role.storages if storage.name in mounted and storage.active is not None]


def _holders(volume: str, observed: Mapping[str, Observed]) -> set[str]:
    keys = {actual.key for seen in observed.values() for actual in seen.actuals if not actual.foreign}
    return {key.host for key in keys if key.kind == "volume" and key.name == volume}


def _using(service: str, holders: set[str], observed: Mapping[str, Observed]) -> set[str]:
    """Of several hosts with a copy, those where the service is: the others' copies are older."""
    here = {
        actual.key.host
        for seen in observed.values()
        for actual in seen.actuals
        if actual.key.kind == "container" and actual.owner.service == service
    }
    return holders & here
