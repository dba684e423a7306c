"""Moves a service that a role runs to another role, which need not be there yet; pure."""

from dataclasses import replace

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec
from trellis.errors import ConfigError
from trellis.overrides.model import OVERRIDES_FILE
from trellis_dsl.stack import refuse_bad_name, refuse_environment_word


def moved(blueprint: Blueprint, role: RoleSpec, name: str, target: str, where: str) -> Blueprint:
    """The blueprint with a service run by another role; how many, its rules and what it allows go with it.

    Args:
        blueprint: of the stack.
        role: which runs it now.
        name: how that role calls it, such as ``website``.
        target: a role of the stack, in upper or lower case, or the name of a new one.
        where: the place that errors name.

    Raises:
        ConfigError: its data would not come along, or the other role has one already.
        StackError: nothing can be called so.
    """
    run = next(run for run in role.runs if run.name == name)
    there = role_called(blueprint, target, where)
    if there.name == role.name:
        return blueprint
    if run.storages:
        raise ConfigError(stays_with_storage(role, run), where=where, hint=DATA_HINT)
    if run.service in {other.service for other in there.runs}:
        raise ConfigError(f"{there.name} runs {run.service} already", where=where, hint="say its number of instances")
    if name in {other.name for other in there.runs}:
        raise ConfigError(f"{there.name} runs something else that is called {name}", where=where)
    along = tuple(allow for allow in role.allows if allow.endpoint.startswith(f"{run.service}."))
    here = replace(
        role,
        runs=tuple(other for other in role.runs if other is not run),
        allows=tuple(allow for allow in role.allows if allow not in along),
    )
    there = replace(there, runs=(*there.runs, run), allows=(*there.allows, *along))
    others = [known for known in blueprint.roles if known.name not in {here.name, there.name}]
    return replace(blueprint, roles=tuple(sorted((*others, here, there), key=lambda known: known.name)))


def role_called(blueprint: Blueprint, name: str, where: str) -> RoleSpec:
    """The role of that name, as environment files may write it too; a new one that runs nothing yet, if there is none.

    Raises:
        ConfigError: a service is called so.
        StackError: nothing can be called so.
    """
    for role in blueprint.roles:
        if role.name.lower() == name.lower():
            return role
    refuse_bad_name(name, where)
    refuse_environment_word(name, where)
    if name.lower() in {service.name.lower() for service in blueprint.services}:
        raise ConfigError(f"{name} is a service, not a role", where=where)
    return RoleSpec(name, location=OVERRIDES_FILE)


DATA_HINT = (
    "leave it where its data is and move what keeps none; or declare the storage in the other role in the stack, and "
    "copy the data yourself while the service is stopped"
)


def stays_with_storage(role: RoleSpec, run: RunsSpec) -> str:
    """Why a service that keeps data does not go to another role."""
    data = ", ".join(f"{role.name}.{storage}" for _, storage in run.storages)
    return f"{run.service} keeps its data in {data}, on disks of the hosts that carry {role.name}: that does not move"
