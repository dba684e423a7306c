"""Refuses connections that the environment forbids; pure."""

from collections.abc import Iterable, Iterator
from itertools import product

from trellis.blueprint import Blueprint
from trellis.environments.reading import near_miss
from trellis.errors import ConfigError, PolicyError
from trellis.firewall.needs import Need, declared_needs
from trellis.firewall.settings import Denial

_ANY = "*"


def check_policy(blueprint: Blueprint, denials: Iterable[Denial], environment: str) -> None:
    """Refuse a stack that declares a connection which the environment forbids.

    Args:
        blueprint: the stack.
        denials: what its file forbids.
        environment: its name.

    Raises:
        PolicyError: all such connections in one message.
        ConfigError: a denial names no service and no role of the stack.
    """
    found = tuple(denials)
    for index, denial in enumerate(found):
        _check_names(blueprint, denial, f"environments/{environment}.yaml: firewall.deny[{index}]")
    pairs = product(declared_needs(blueprint), found)
    refused = [(need, denial) for need, denial in pairs if _hits(need, denial, blueprint)]
    if refused:
        places = dict.fromkeys(blueprint.service(need.client).location for need, _ in refused)
        raise PolicyError(
            "; ".join(f"{need.why}, which is forbidden: {denial}" for need, denial in refused),
            where=", ".join(place for place in places if place),
            hint=f"take the connection out of the stack, or change firewall.deny in environments/{environment}.yaml",
        )


def _check_names(blueprint: Blueprint, denial: Denial, where: str) -> None:
    known = {*(service.name for service in blueprint.services), *(role.name for role in blueprint.roles)}
    for key, name in (("from", denial.source), ("to", denial.target)):
        if name != _ANY and name not in known:
            raise ConfigError(f"there is no service and no role {name}{near_miss(name, known)}", where=f"{where}.{key}")


def _hits(need: Need, denial: Denial, blueprint: Blueprint) -> bool:
    sides = ((denial.source, need.client), (denial.target, need.server))
    return all(name in {_ANY, service, *_roles(service, blueprint)} for name, service in sides)


def _roles(service: str, blueprint: Blueprint) -> Iterator[str]:
    return (role.name for role in blueprint.roles if any(run.service == service for run in role.runs))
