"""The pipeline: one line a stage, from the program to hosts that are as it says."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from trellis.applying import Applier, Listener, Outcome
from trellis.balancing import Balancers
from trellis.blueprint import Blueprint
from trellis.certifying import Certifying
from trellis.deployment import Deployment
from trellis.desiring.balanced import certificate_places, doors
from trellis.desiring.binding import classes_of
from trellis.desiring.carried import role_names, role_warnings
from trellis.desiring.overlapping import Place, places_to_change
from trellis.desiring.parking import may_park, parked_containers
from trellis.desiring.placed import deployment, reasons_of
from trellis.desiring.placement import placed as placed_or_refused
from trellis.desiring.problem import NOTHING_SPECIAL, Asking, check_asking, placement_problem
from trellis.desiring.rebuilding import as_it_was
from trellis.desiring.resources import desired
from trellis.desiring.updating import with_instructions
from trellis.drifting import find_drift
from trellis.environments.keeping import KeptFile, load_kept
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.environments.secrets import NO_SECRETS, load_secrets, salt
from trellis.errors import ConfigError
from trellis.evaluating import evaluate
from trellis.firewall.ground import Ground, could_run, settled
from trellis.firewall.needs import all_needs
from trellis.firewall.policy import check_policy
from trellis.firewall.resources import Walls, walls
from trellis.hosts import needs_secrets, with_secrets
from trellis.limiting import check_limit, left_out, limited
from trellis.loading import load_stack
from trellis.observing import Looking, Observed, close, observe
from trellis.placing.advising import idle_sentences
from trellis.placing.deciding import NOTHING_MOVES
from trellis.placing.model import Placement, Problem
from trellis.placing.sequencing import sequence
from trellis.placing.solvers import Limits, Solver, named_solver
from trellis.planning import Deciding, steps, with_removals
from trellis.plans import Drift, Limit, Plan, Step, Verb
from trellis.plugin.contracts import DrainsServers, Entrance, Instructions, Provider, Tools
from trellis.plugin.registry import Plugins
from trellis.remembering import Memory, left_alone
from trellis.resolving import declared_only, resolve
from trellis.resources import Actual, Resource, ResourceKey
from trellis.revisions.programs import Program, program_of
from trellis.rolling import gaps
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
    program: Program
    notes: tuple[str, ...] = ()
    kept: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and everything that it was made from."""

    bound: Bound
    plugins: Plugins
    observed: Mapping[str, Observed]
    problem: Problem
    placement: Placement
    deployment: Deployment
    desired: tuple[Resource, ...]
    plan: Plan
    firewall: Walls

    @property
    def providers(self) -> Mapping[str, Provider]:
        """By resource kind."""
        return self.plugins.providers()

    @property
    def tools(self) -> Tools:
        """What of the controller's own providers may use."""
        return Tools(KeptFile(self.bound.project, self.bound.environment.name), self.plugins.balancers())

    def applier(self, listener: Listener, parallel: int = 10, instructions: Instructions | None = None) -> Applier:
        """Who does what the plan says; `instructions` remembers how far services' own updates got."""
        balancers = Balancers(self._entrances(), self.deployment, self.observed)
        tools = replace(self.tools, instructions=instructions)
        return Applier(self.providers, self.observed, listener, parallel, tools, balancers)

    def _entrances(self) -> list[Entrance]:
        actuals = [actual for seen in self.observed.values() if not seen.problem for actual in seen.actuals]
        draining = [one for one in self.plugins.balancers().values() if isinstance(one, DrainsServers)]
        return [entrance for one in draining for entrance in one.entrances(self.deployment, actuals)]


def bind(
    project: Project,
    environment: str,
    *,
    program: Program | None = None,
    given: Mapping[str, Value] = MappingProxyType({}),
    instead: Mapping[str, Value] | None = None,
) -> Bound:
    """Load and evaluate the stack, and give it the environment's config and secrets.

    Args:
        project: where the stack and the environments are.
        environment: its name.
        program: instead of the one that the environment runs.
        given: config values and secrets that are to be set in the environment, as if they were.
        instead: config values instead of those that the environment's file gives.

    Raises:
        PolicyError: the environment runs what it pulls, and has pulled nothing.
        MissingConfigError: something that the stack requires is not given.
    """
    found = load_environment(project, environment)
    program = program or program_of(project, found)
    stack, blueprint = _evaluated(program)
    check_policy(blueprint, found.firewall.deny, environment)
    secrets = {**load_secrets(project, environment), **{k: v for k, v in given.items() if isinstance(v, Secret)}}
    config = {key: value for key, value in given.items() if not isinstance(value, Secret)}
    found = found if instead is None else replace(found, config=MappingProxyType(dict(instead)))
    found = replace(found, config=MappingProxyType({**found.config, **config})) if config else found
    found, notes = declared_only(blueprint, found) if program.branch else (found, ())
    resolved = resolve(blueprint, found, secrets)
    kept = load_kept(project, environment)
    salted = salt(project, environment, kept)
    return Bound(project, stack, blueprint, found, resolved, secrets, salted, program, notes, kept)


def bind_to_look(project: Project, environment: str, *, keyless: bool = False) -> Bound:
    """Bind for looking and removing, which needs no config, and no secret but those that hosts are reached with.

    Args:
        project: where the stack and the environments are.
        environment: its name.
        keyless: do without the key of the secrets too, where it is not there; what holds a secret then looks altered.
    """
    found = load_environment(project, environment)
    program = program_of(project, found, destroying=True)
    stack, blueprint = _evaluated(program)
    secrets = load_secrets(project, environment) if needs_secrets(found.hosts.values()) else {}
    try:
        kept = load_kept(project, environment)
        salted = salt(project, environment, kept)
    except ConfigError:
        if not keyless:
            raise
        kept, salted = {}, NO_SECRETS
    return Bound(project, stack, blueprint, found, {}, secrets, salted, program, kept=kept)


def _evaluated(program: Program) -> tuple[Stack, Blueprint]:
    stack = load_stack(program.stack_file)
    return stack, evaluate(stack, program.root)


@asynccontextmanager
async def planning(bound: Bound, *, asking: Asking = NOTHING_SPECIAL, destroy: bool = False) -> AsyncIterator[Planned]:
    """Observe, place, desire and plan; the hosts' sessions are open until the end of the block.

    Args:
        bound: what `bind` returned.
        asking: what the operator wants of the placement this time.
        destroy: plan for nothing to be left, data included.

    Raises:
        ShortfallError: not everything fits.
    """
    async with observing(bound, asking) as seen:
        yield planned_from(bound, seen, destroy=destroy)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed, and the placement problem that it makes.

    `memory` knows all that was made, also on hosts that do not answer now.
    """

    plugins: Plugins
    observed: Mapping[str, Observed]
    problem: Problem
    memory: Memory
    blueprint: Blueprint
    limit: Limit = Limit()

    @property
    def known(self) -> Mapping[str, Observed]:
        """The same hosts, where those that did not answer have what is known to be there."""
        return self.memory.with_silent_hosts(self.observed)

    @property
    def drift(self) -> tuple[Drift, ...]:
        """What somebody else changed."""
        return find_drift(self.observed, self.plugins.providers(), self.memory, self.blueprint)

    @property
    def unreachable(self) -> dict[str, str]:
        """Hosts that did not answer, with the reason and what is left alone there."""
        alone = left_alone(self.known)
        return {name: f"{seen.problem}; {alone[name]}" for name, seen in self.observed.items() if seen.problem}


@asynccontextmanager
async def observing(bound: Bound, asking: Asking = NOTHING_SPECIAL) -> AsyncIterator[Seen]:
    """Observe, and nothing more; the hosts' sessions are open until the end of the block."""
    check_asking(bound.blueprint, asking)
    check_limit(
        asking.limit,
        bound.environment.hosts,
        (role.name for role in bound.blueprint.roles),
        bound.environment.name,
    )
    plugins = Plugins.load()
    hosts = [with_secrets(host, bound.secrets) for host in bound.environment.hosts.values()]
    observed = await observe(hosts, _looking(bound, plugins))
    memory = Memory(bound.project.state_url, bound.environment.name)
    try:
        known = memory.with_silent_hosts(observed)
        problem = as_it_was(placement_problem(bound.blueprint, bound.environment, known, asking), memory)
        yield Seen(plugins, observed, problem, memory, bound.blueprint, asking.limit)
    finally:
        await close(observed.values())


def solver_of(bound: Bound, plugins: Plugins) -> tuple[Solver | None, Limits]:
    """The solver that trellis.yaml names, None to let the size of the problem choose, and what it may spend."""
    project = bound.project
    solver = named_solver(project.solver, plugins.solvers()) if project.solver else None
    return solver, Limits(seconds=project.solver_seconds)


async def apply(planned: Planned, listener: Listener, parallel: int = 10) -> tuple[Outcome, ...]:
    """Do what the plan says."""
    return await planned.applier(listener, parallel).apply(planned.plan)


def _looking(bound: Bound, plugins: Plugins) -> Looking:
    blueprint, hosts = bound.blueprint, bound.environment.hosts.values()
    images = sorted({service.image for service in blueprint.services})
    expected = {
        host.name: tuple(
            [ResourceKey("image", image, host.name) for image in images]
            + [
                ResourceKey("folder" if file.kind == "folder" else "file", file.path, host.name)
                for role in role_names(host, blueprint)
                for file in blueprint.role(role).files
            ]
        )
        for host in hosts
    }
    providers = tuple({id(provider): provider for provider in plugins.providers().values()}.values())
    return Looking(plugins.connectors(), providers, blueprint.stack, bound.environment.name, bound.salt, expected)


@dataclass(frozen=True, slots=True)
class Differing:
    """Both sides of a plan, and the steps between them."""

    placed: Deployment
    wanted: tuple[Resource, ...]
    actuals: Sequence[Actual]
    steps: tuple[Step, ...]
    firewall: Walls


def planned_from(bound: Bound, seen_by: Seen, *, destroy: bool = False) -> Planned:
    """Place, desire and plan from what was seen; pure.

    Raises:
        ShortfallError: not everything fits.
    """
    plugins, observed = seen_by.plugins, seen_by.known
    placement = Placement(()) if destroy else _placed(bound, seen_by)
    blueprint = replace(bound.blueprint, services=(), roles=()) if destroy else bound.blueprint
    changes = () if destroy else sequence(seen_by.problem, placement, may_park(blueprint, placement))
    parked = parked_containers(
        changes,
        lambda extra: _desired(bound, plugins, deployment(blueprint, bound.environment, bound.config, extra, observed)),
        placement,
    )
    deciding = Deciding(
        plugins.providers(), bound.salt, bound.blueprint, with_data=destroy, reasons=reasons_of(placement),
        changes=changes, parked=parked,
    )  # fmt: skip

    def differing(elsewhere: Collection[Place] = ()) -> Differing:
        placed = deployment(blueprint, bound.environment, bound.config, placement, observed, elsewhere)
        placed = replace(placed, doors=doors(plugins.balancers(), placed))
        placed = _certifying(bound, plugins, placed)
        firewall = walls(_ground(bound, plugins, placed, seen_by.problem), plugins.firewalls())
        wanted = () if destroy else _desired(bound, plugins, placed, firewall.resources)
        answered = [seen for seen in observed.values() if not seen.problem]
        actuals = _relevant([actual for seen in answered for actual in seen.actuals], wanted)
        ordering = replace(deciding, needs=firewall.ground.needs)
        return Differing(placed, wanted, actuals, steps(wanted, actuals, ordering), firewall)

    found = differing()
    if elsewhere := places_to_change(found.steps, found.placed):
        # What is replaced while its old one serves needs another port on its host; only now is it known what is.
        found = differing(elsewhere)
    placed, wanted, actuals = found.placed, found.wanted, found.actuals
    everything = with_removals(found.steps, seen_by.memory.has_made)
    everything = with_instructions(everything, placed, classes_of(bound.stack))
    ordered = limited(everything, seen_by.limit)
    plan = Plan(
        stack=bound.blueprint.stack,
        environment=bound.environment.name,
        steps=ordered,
        bound_to=_digests(bound, wanted, actuals),
        warnings=(
            *bound.notes,
            *plugins.warnings,
            *placement.warnings,
            *gaps(ordered, placed),
            *found.firewall.warnings,
            *role_warnings(bound.environment, bound.blueprint),
            *left_out(everything, ordered, seen_by.limit),
        ),
        unreachable=seen_by.unreachable,
        # Drift is something to do; where nothing is, the journal need not be read.
        drift=seen_by.drift if any(step.verb is not Verb.KEEP for step in ordered) else (),
        proof="" if placement.proof == NOTHING_MOVES else placement.proof,
        advice=() if destroy else idle_sentences(seen_by.problem, placement, bound.environment.name),
        allow_moves=tuple(sorted(seen_by.problem.allow_moves)),
        rebalance=seen_by.problem.rebalance,
        limit=seen_by.limit,
    )
    return Planned(bound, plugins, observed, seen_by.problem, placement, placed, wanted, plan, found.firewall)


def _placed(bound: Bound, seen: Seen) -> Placement:
    return placed_or_refused(seen.problem, bound.environment.name, *solver_of(bound, seen.plugins))


def _certifying(bound: Bound, plugins: Plugins, placed: Deployment) -> Deployment:
    """With what plugins that keep certificates are told."""
    places = certificate_places(plugins.balancers(), placed)
    settings, root = bound.environment.certificates, bound.project.root
    return replace(placed, certifying=Certifying(settings, root, places, datetime.now(UTC), bound.kept))


def _ground(bound: Bound, plugins: Plugins, placed: Deployment, problem: Problem) -> Ground:
    needs = all_needs(placed.blueprint, plugins.connections(placed))
    settings, able, stay = bound.environment.firewall, could_run(problem), settled(problem)
    return Ground(placed, bound.environment.hosts, needs, settings, able, stay)


def _desired(bound: Bound, plugins: Plugins, placed: Deployment, more: Sequence[Resource] = ()) -> tuple[Resource, ...]:
    plumbing = (*plugins.resources(placed), *more)
    return desired(placed, classes_of(bound.stack), bound.program.root, plumbing, bound.salt)


def _relevant(actuals: Sequence[Actual], wanted: Sequence[Resource]) -> list[Actual]:
    """Without images that nobody wants, which are never removed, and foreign things that are in nobody's way."""
    keys = {resource.key for resource in wanted}
    return [actual for actual in actuals if actual.key in keys or not (actual.foreign or actual.key.kind == "image")]


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
