"""Instances that wait on a third host while others move: which may, and as what."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from trellis.blueprint import Blueprint
from trellis.ordering import key_of
from trellis.placing.model import PlacedInstance, Placement
from trellis.placing.sequencing import Change, MayPark
from trellis.resources import Resource, ResourceKey


def may_park(blueprint: Blueprint, placement: Placement) -> MayPark:
    """Only what leaves nothing behind waits on a third host, and only on hosts that the stack is on anyway."""
    light = {
        service.name
        for service in blueprint.services
        if not (service.mounts or service.files or service.provided_by or service.sites)
    }
    used = {placed.host for placed in placement.instances}
    return lambda placed, host: placed.service in light and host in used


def parked_containers(
    changes: Sequence[Change], desired: Callable[[Placement], Sequence[Resource]], placement: Placement
) -> dict[ResourceKey, Resource]:
    """The containers as they are to be where they wait.

    Args:
        changes: in their order.
        desired: gives the resources of a placement.
        placement: where everything ends up.
    """
    parks = [change for change in changes if change.verb == "park" and change.target is not None]
    if not parks:
        return {}
    waiting = (PlacedInstance(each.service, each.role, each.index, str(each.target)) for each in parks)
    keys = {key_of(change) for change in parks}
    extra = replace(placement, instances=(*placement.instances, *waiting))
    return {resource.key: resource for resource in desired(extra) if resource.key in keys}
