"""The pipeline: one line a stage, from the program to hosts that are as it says."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from trellis.applying import Applier, Listener, Outcome
from trellis.blueprint import Blueprint
from trellis.deployment import Deployment
from trellis.desiring.binding import classes_of
from trellis.desiring.placed import deployment
from trellis.desiring.problem import placement_problem, role_names
from trellis.desiring.resources import desired
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.environments.secrets import load_secrets, salt
from trellis.errors import DoesNotFitError
from trellis.evaluating import evaluate
from trellis.hosts import with_secrets
from trellis.loading import load_stack
from trellis.observing import Looking, Observed, close, observe
from trellis.placing import place
from trellis.placing.model import Placement
from trellis.planning import Deciding, steps
from trellis.plans import Plan
from trellis.plugin.contracts import Provider
from trellis.plugin.registry import Plugins
from trellis.resolving import resolve
from trellis.resources import Actual, Resource, ResourceKey
from trellis.values import Value, digest, fingerprinted, freeze
from trellis_dsl.secret import Secret
from trellis_dsl.stack import Stack

# What changes by itself while nothing changes: no plan is stale because of it.
_RESTLESS = {"started_at", "restarts", "health", "exit_status"}


@dataclass(frozen=True, slots=True)
class Bound:
    """A stack and an environment, bound: all that is known before a host is asked."""

    project: Project
    stack: Stack
    blueprint: Blueprint
    environment: Environment
    config: Mapping[str, Value]
    secrets: Mapping[str, Secret]
    salt: bytes


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and everything that it was made from."""

    bound: Bound
    plugins: Plugins
    observed: Mapping[str, Observed]
    placement: Placement
    deployment: Deployment
    desired: tuple[Resource, ...]
    plan: Plan

    @property
    def providers(self) -> Mapping[str, Provider]:
        """By resource kind."""
        return self.plugins.providers()


def bind(project: Project, environment: str, *, destroy: bool = False) -> Bound:
    """Load and evaluate the stack, and give it the environment's config and secrets.

    Args:
        project: where the stack and the environments are.
        environment: its name.
        destroy: nothing is to run, so no config is needed.
    """
    found = load_environment(project, environment)
    stack = load_stack(project.stack_file)
    blueprint = evaluate(stack, project.root)
    secrets = load_secrets(project, environment)
    config = {} if destroy else resolve(blueprint, found, secrets)
    return Bound(project, stack, blueprint, found, config, secrets, salt(project, environment))


@asynccontextmanager
async def planning(bound: Bound, *, destroy: bool = False) -> AsyncIterator[Planned]:
    """Observe, place, desire and plan; the hosts' sessions are open until the end of the block.

    Args:
        bound: what `bind` returned.
        destroy: plan for nothing to be left, data included.
    """
    plugins = Plugins.load()
    hosts = [with_secrets(host, bound.secrets) for host in bound.environment.hosts.values()]
    observed = await observe(hosts, _looking(bound, plugins))
    try:
        yield _plan(bound, plugins, observed, destroy=destroy)
    finally:
        await close(observed.values())


async def apply(planned: Planned, listener: Listener, parallel: int = 10) -> tuple[Outcome, ...]:
    """Do what the plan says."""
    return await Applier(planned.providers, planned.observed, listener, parallel).apply(planned.plan)


def _looking(bound: Bound, plugins: Plugins) -> Looking:
    blueprint, hosts = bound.blueprint, bound.environment.hosts.values()
    images = sorted({service.image for service in blueprint.services})
    expected = {
        host.name: tuple(
            [ResourceKey("image", image, host.name) for image in images]
            + [
                ResourceKey("file", file.path, host.name)
                for role in role_names(host, blueprint)
                for file in blueprint.role(role).files
            ]
        )
        for host in hosts
    }
    providers = tuple({id(provider): provider for provider in plugins.providers().values()}.values())
    return Looking(plugins.connectors(), providers, blueprint.stack, bound.environment.name, bound.salt, expected)


def _plan(bound: Bound, plugins: Plugins, observed: Mapping[str, Observed], *, destroy: bool) -> Planned:
    placement = Placement(()) if destroy else _placed(bound, observed)
    blueprint = replace(bound.blueprint, services=(), roles=()) if destroy else bound.blueprint
    placed = deployment(blueprint, bound.environment, bound.config, placement, observed)
    wanted = () if destroy else _desired(bound, plugins, placed)
    actuals = _relevant([actual for seen in observed.values() for actual in seen.actuals], wanted)
    deciding = Deciding(plugins.providers(), bound.salt, bound.blueprint, with_data=destroy)
    plan = Plan(
        stack=bound.blueprint.stack,
        environment=bound.environment.name,
        steps=steps(wanted, actuals, deciding),
        bound_to=_digests(bound, wanted, actuals),
        warnings=(*plugins.warnings, *placement.warnings, *_idle_roles(bound)),
        unreachable={name: seen.problem for name, seen in observed.items() if seen.problem},
    )
    return Planned(bound, plugins, observed, placement, placed, wanted, plan)


def _placed(bound: Bound, observed: Mapping[str, Observed]) -> Placement:
    placement = place(placement_problem(bound.blueprint, bound.environment, observed))
    if placement.shortfalls:
        sentences = [
            f"{short.service} lacks a place for {short.missing}: {'; '.join(short.reasons)}"
            for short in placement.shortfalls
        ]
        raise DoesNotFitError(
            "; ".join(sentences), where=bound.environment.name, hint="give the environment more hosts, or ask for less"
        )
    return placement


def _desired(bound: Bound, plugins: Plugins, placed: Deployment) -> tuple[Resource, ...]:
    return desired(placed, classes_of(bound.stack), bound.project.root, plugins.resources(placed))


def _relevant(actuals: Sequence[Actual], wanted: Sequence[Resource]) -> list[Actual]:
    """Without images that nobody wants, which are never removed, and foreign things that are in nobody's way."""
    keys = {resource.key for resource in wanted}
    return [actual for actual in actuals if actual.key in keys or not (actual.foreign or actual.key.kind == "image")]


def _idle_roles(bound: Bound) -> list[str]:
    carried = {role for host in bound.environment.hosts.values() for role in role_names(host, bound.blueprint)}
    return [
        f"no host carries the role {role.name}: trellis role add {role.name} HOST -e {bound.environment.name}"
        for role in bound.blueprint.roles
        if role.name not in carried
    ]


def _digests(bound: Bound, wanted: Sequence[Resource], actuals: Sequence[Actual]) -> dict[str, str]:
    """What the plan was made from; `up FILE` refuses it when one of them has moved."""
    found = [
        [str(actual.key), fingerprinted(freeze(_steady(actual)), bound.salt)]
        for actual in sorted(actuals, key=lambda actual: actual.key)
    ]
    return {
        "blueprint": bound.blueprint.digest,
        "config": digest(fingerprinted(freeze(dict(bound.config)), bound.salt)),
        "desired": digest([[str(item.key), fingerprinted(item.spec, bound.salt)] for item in wanted]),
        "actual": digest(found),
    }


def _steady(actual: Actual) -> dict[str, object]:
    state = {name: value for name, value in actual.state.items() if name not in _RESTLESS}
    return {"spec": actual.spec, "state": state}
