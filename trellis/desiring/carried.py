"""What a host carries: roles by its environment, instances by what was found on it."""

from trellis.blueprint import Blueprint
from trellis.hosts import Host
from trellis.resources import Actual


def role_names(host: Host, blueprint: Blueprint) -> tuple[str, ...]:
    """The blueprint's roles that a host carries; environment files may write them in lower case."""
    carried = {name.lower() for name in host.roles}
    return tuple(role.name for role in blueprint.roles if role.name.lower() in carried)


def is_instance(actual: Actual) -> bool:
    """Whether it is the container of an instance of the stack."""
    return actual.key.kind == "container" and not actual.foreign and actual.owner.index > 0
