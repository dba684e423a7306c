"""Leaves the stack's own balancer services out where the environment has another balancer in their place."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from trellis.blueprint import Blueprint, RoleSpec, ServiceSpec
from trellis.environments.model import Environment
from trellis.environments.reading import near_miss
from trellis.errors import ConfigError
from trellis.plugin.contracts import Balancer, RunsAsService


def with_chosen_balancer(blueprint: Blueprint, environment: Environment) -> Blueprint:
    """The blueprint as the environment wants it balanced.

    Raises:
        ConfigError: no plugin offers the balancer.
    """
    if not environment.balancer.provider:
        return blueprint
    from trellis.plugin.registry import Plugins

    return without_others(blueprint, environment, Plugins.load().balancers())


def without_others(blueprint: Blueprint, environment: Environment, known: Mapping[str, Balancer]) -> Blueprint:
    """The same, of these balancers; pure."""
    provider, chosen = environment.balancer.provider, environment.balancer.instead
    if provider not in known:
        raise ConfigError(
            f"there is no balancer {provider}{near_miss(provider, known)}",
            where=f"environments/{environment.name}.yaml: balancer.provider",
            hint=f"there are: {', '.join(sorted(known))}; see trellis plugins",
        )
    others = {one.module for name, one in known.items() if isinstance(one, RunsAsService) and name != chosen}
    gone = {service.name for service in blueprint.services if service.provided_by in others} if chosen else set()
    return _without(blueprint, gone) if gone else blueprint


def _without(blueprint: Blueprint, gone: Collection[str]) -> Blueprint:
    services = tuple(_service(one, gone) for one in blueprint.services if one.name not in gone)
    return replace(blueprint, services=services, roles=tuple(_role(one, gone) for one in blueprint.roles))


def _service(service: ServiceSpec, gone: Collection[str]) -> ServiceSpec:
    return replace(service, connections=tuple(one for one in service.connections if one.service not in gone))


def _role(role: RoleSpec, gone: Collection[str]) -> RoleSpec:
    runs = tuple(
        replace(
            one,
            apart_from=tuple(name for name in one.apart_from if name not in gone),
            together_with=tuple(name for name in one.together_with if name not in gone),
        )
        for one in role.runs
        if one.service not in gone
    )
    allows = tuple(one for one in role.allows if one.endpoint.partition(".")[0] not in gone)
    return replace(role, runs=runs, allows=allows)
