"""The whole stack: which services and roles there are, and what must hold between them."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from trellis.blueprint import Blueprint, ServiceSpec
from trellis.errors import StackError
from trellis.evaluating.config import config_specs
from trellis.evaluating.members import Member, declarations
from trellis.evaluating.role import role_spec
from trellis.evaluating.service import service_spec
from trellis.evaluating.tls import without_idle_tls
from trellis.overrides.file import overridden
from trellis_dsl.policies import Runs
from trellis_dsl.stack import Stack


def evaluate(stack: Stack, root: Path) -> Blueprint:
    """The blueprint of a stack, with what its file of overrides sets.

    Args:
        stack: as its program declared it.
        root: the stack's folder; sources of files and the file of overrides are read from it.

    Raises:
        StackError: something contradicts something else; file, line, class and attribute are named.
    """
    return overridden(evaluate_without_overrides(stack, root), root)


def evaluate_without_overrides(stack: Stack, root: Path) -> Blueprint:
    """As `evaluate`, but what the program says alone."""
    members = _members(stack, root)
    by_name = {member.name: member for member in members}
    declared = (service_spec(member, stack, by_name, root) for member in members if member.is_service)
    services = without_idle_tls(declared)
    roles = tuple(role_spec(member, stack, by_name, root) for member in members if not member.is_service)
    config = config_specs(by_name, stack)
    _refuse_unknown_settings(stack, {spec.key for spec in config})
    _refuse_cycle(services)
    return Blueprint(stack.name, services, roles, config)


def _members(stack: Stack, root: Path) -> tuple[Member, ...]:
    """Every service and role, sorted by name; services that only a role names are in it too."""
    roles = [Member(cls, location, root) for cls, (_, location) in stack.roles.items()]
    services = {cls: Member(cls, location, root) for cls, location in stack.services.items()}
    for role in roles:
        for run in declarations(role.cls, Runs):
            services.setdefault(run.service, Member(run.service, run.location, root))
    members = sorted((*roles, *services.values()), key=lambda member: member.name)
    _refuse_same_names(members)
    return tuple(members)


def _refuse_same_names(members: Iterable[Member]) -> None:
    seen: dict[str, Member] = {}
    for member in members:
        other = seen.setdefault(member.name.lower(), member)
        if other is not member:
            raise StackError(
                f"{member.name} is declared twice, also at {other.place}",
                where=member.place,
                hint="names differ in more than upper and lower case; "
                'a class made in a loop takes name="..." in its decorator',
            )


def _refuse_unknown_settings(stack: Stack, keys: set[str]) -> None:
    for ref, (_, location) in stack.settings.items():
        if ref.key not in keys:
            raise StackError(f"{ref.key} is set, but {ref.key.split('.')[0]} is not in the stack", where=location)


def _refuse_cycle(services: tuple[ServiceSpec, ...]) -> None:
    needs = {
        service.name: {connection.service for connection in service.connections if connection.ordered}
        for service in services
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        first = next(service for service in services if service.name == error.args[1][0])
        raise StackError(
            f"these services need each other to start first: {circle}",
            where=first.location,
            hint="declare one as x = connects_to() and call stack.connect(A.x, B.y), which does not decide the order",
        ) from error
