"""What a host carries: roles by its environment, instances by what was found on it."""

from collections.abc import Mapping
from difflib import get_close_matches

from trellis.blueprint import Blueprint
from trellis.environments.model import Environment
from trellis.hosts import Host
from trellis.resources import Actual


def role_names(host: Host, blueprint: Blueprint) -> tuple[str, ...]:
    """The blueprint's roles that a host carries; environment files may write them in lower case."""
    carried = {name.lower() for name in host.roles}
    return tuple(role.name for role in blueprint.roles if role.name.lower() in carried)


def role_warnings(environment: Environment, blueprint: Blueprint) -> list[str]:
    """Sentences about roles that no host carries, and about those that hosts carry and the stack does not have."""
    hosts = environment.hosts.values()
    carried = {role for host in hosts for role in role_names(host, blueprint)}
    idle = [
        f"no host carries the role {role.name}: trellis role add {role.name} HOST -e {environment.name}"
        for role in blueprint.roles
        if role.name not in carried
    ]
    known = {role.name.lower(): role.name for role in blueprint.roles}
    return idle + [
        f"{host.name} carries the role {name}, and the stack has none{_near(name, known)}"
        for host in hosts
        for name in host.roles
        if name.lower() not in known
    ]


def _near(name: str, known: Mapping[str, str]) -> str:
    near = get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {known[near[0]]}?" if near else ""


def is_instance(actual: Actual) -> bool:
    """Whether it is the container of an instance of the stack."""
    return actual.key.kind == "container" and not actual.foreign and actual.owner.index > 0
