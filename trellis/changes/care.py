"""Changes that take something away from a running system, and must be meant; pure."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from trellis.blueprint import Blueprint, ServiceSpec
from trellis.changes.differences import storage_text


@dataclass(frozen=True, slots=True)
class Care:
    """Something that needs care.

    Attributes:
        what: how it is accepted, ``storage Database.data``.
        sentence: what will happen.
    """

    what: str
    sentence: str


def needs_care(
    before: Blueprint, after: Blueprint, roles_with_hosts: Iterable[str], accepted: Iterable[str] = ()
) -> tuple[Care, ...]:
    """What a change takes away that was not accepted.

    Args:
        before: what runs.
        after: what is to run.
        roles_with_hosts: names of the roles that some host of the environment carries.
        accepted: such as ``storage Database.data``, or ``all``.
    """
    meant = set(accepted)
    carried = {name.lower() for name in roles_with_hosts}
    found = (
        *_storages(before, after),
        *_emptied(before, after, carried),
        *_moves(before, after),
        *_other_roles(before, after),
        *_updates(before, after),
    )
    return () if "all" in meant else tuple(care for care in found if care.what not in meant)


def _storages(before: Blueprint, after: Blueprint) -> Iterator[Care]:
    new = {f"{role.name}.{item.name}": item for role in after.roles for item in role.storages}
    for role in before.roles:
        for item in role.storages:
            name = f"{role.name}.{item.name}"
            if name not in new:
                yield Care(f"storage {name}", f"storage {name} ({storage_text(item)}) is removed")
            elif new[name].size < item.size:
                sizes = f"{storage_text(item)} to {storage_text(new[name])}"
                yield Care(f"storage {name}", f"storage {name} shrinks from {sizes}")
            elif new[name].backend != item.backend:
                yield Care(f"storage {name}", f"storage {name} moves from {item.backend} to {new[name].backend}")


def _emptied(before: Blueprint, after: Blueprint, carried: set[str]) -> Iterator[Care]:
    """Services that hosts of this environment run now, and no host would run."""
    now, then = _running(before, carried), _running(after, carried)
    for service, role in sorted(now.items()):
        if service in {item.name for item in after.services} and service not in then:
            yield Care(f"role {role}", f"no host would run {service} any more: none carries a role that runs it")


def _running(blueprint: Blueprint, carried: set[str]) -> Mapping[str, str]:
    return {run.service: role.name for role in blueprint.roles if role.name.lower() in carried for run in role.runs}


_FREEDOM = {"yes": 2, "coordinated": 1, "no": 0}


def _moves(before: Blueprint, after: Blueprint) -> Iterator[Care]:
    old = {service.name: service for service in before.services}
    for service in after.services:
        was = old.get(service.name)
        if was and _FREEDOM[service.relocatable] < _FREEDOM[was.relocatable]:
            change = f"{was.relocatable} → {service.relocatable}"
            yield Care(f"relocatable {service.name}", f"{service.name} may no longer be moved freely ({change})")


def _other_roles(before: Blueprint, after: Blueprint) -> Iterator[Care]:
    """Services that go to another role, and so to other hosts, although they are not to be moved without a word."""
    old = {service.name: service for service in before.services}
    was, now = _roles_of(before), _roles_of(after)
    for service in after.services:
        left, come = was.get(service.name, set()) - now.get(service.name, set()), now.get(service.name, set())
        if service.name in old and left and come and old[service.name].relocatable != "yes":
            free = (
                "is moved only with a word" if old[service.name].relocatable == "coordinated" else "is not relocatable"
            )
            what = (
                f"{service.name}, which {free}, goes from {' and '.join(sorted(left))} to {' and '.join(sorted(come))}"
            )
            yield Care(f"move {service.name}", what)


def _roles_of(blueprint: Blueprint) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role in blueprint.roles:
        for run in role.runs:
            found.setdefault(run.service, set()).add(role.name)
    return found


def _updates(before: Blueprint, after: Blueprint) -> Iterator[Care]:
    """A service that has instructions for updates, and none for the one that is to come."""
    old = {service.name: service for service in before.services}
    for service in after.services:
        was = old.get(service.name)
        if was and was.image != service.image and service.update.methods and not _instructed(was, service):
            versions = f"{_tag(was.image)} → {_tag(service.image)}"
            yield Care(f"update {service.name}", f"{service.name} has no instructions for the update {versions}")


def _instructed(was: ServiceSpec, service: ServiceSpec) -> bool:
    return any(fnmatch.fnmatchcase(_tag(was.image), pattern) for _, pattern in service.update.methods)


def _tag(image: str) -> str:
    """The tag of an image, ``latest`` without one."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2] or "latest"
