"""The pipeline: one line a stage, from the program to hosts that are as it says."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from trellis.applying import Applier, Listener
from trellis.balancing import Balancers
from trellis.binding import Bound, bind, bind_to_look
from trellis.deployment import Deployment
from trellis.desiring.balanced import site_addresses
from trellis.desiring.binding import classes_of
from trellis.desiring.carried import role_warnings
from trellis.desiring.placement import placed as placed_or_refused
from trellis.desiring.problem import NOTHING_SPECIAL, Asking
from trellis.desiring.updating import with_instructions
from trellis.differing import Sides, both_sides
from trellis.environments.keeping import KeptFile
from trellis.errors import UnreachableError
from trellis.firewall.resources import Walls
from trellis.limiting import left_out, limited
from trellis.observing import Observed
from trellis.placing.advising import idle_sentences
from trellis.placing.deciding import NOTHING_MOVES
from trellis.placing.model import Placement, Problem
from trellis.placing.solvers import Limits, Solver, named_solver
from trellis.planning import with_removals
from trellis.plans import Plan, Step, Verb
from trellis.plugin.contracts import DrainsServers, Entrance, Instructions, Provider, Tools
from trellis.plugin.registry import Plugins
from trellis.resources import Resource
from trellis.rolling import gaps
from trellis.seeing import Seen, observing
from trellis.staleness import bound_digests

__all__ = ["Bound", "Planned", "Seen", "bind", "bind_to_look", "observing", "planned_from", "planning", "solver_of"]


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


def planned_from(bound: Bound, seen: Seen, now: datetime | None = None, *, destroy: bool = False) -> Planned:
    """Place, desire and plan from what was seen.

    Args:
        bound: the stack in its environment.
        seen: its hosts.
        now: aware; the clock's time without it.
        destroy: plan for nothing to be left, data included.

    Raises:
        ShortfallError: not everything fits.
    """
    _refuse_silent_clouds(bound, seen)
    placement = Placement(()) if destroy else _placed(bound, seen)
    sides = both_sides(bound, seen, placement, now or datetime.now(UTC), destroy=destroy)
    everything = with_removals(sides.steps, seen.memory.has_made)
    everything = with_instructions(everything, sides.deployment, classes_of(bound.stack))
    ordered = limited(everything, seen.limit)
    plan = Plan(
        stack=bound.blueprint.stack,
        environment=bound.environment.name,
        steps=ordered,
        bound_to=bound_digests(bound, sides.desired, sides.actuals),
        warnings=(*_warnings(bound, seen, placement, sides, ordered), *left_out(everything, ordered, seen.limit)),
        unreachable=seen.unreachable,
        # Drift is something to do; where nothing is, the journal need not be read.
        drift=seen.drift if any(step.verb is not Verb.KEEP for step in ordered) else (),
        proof="" if placement.proof == NOTHING_MOVES else placement.proof,
        advice=() if destroy else idle_sentences(seen.problem, placement, bound.environment.name),
        allow_moves=tuple(sorted(seen.problem.allow_moves)),
        rebalance=seen.problem.rebalance,
        limit=seen.limit,
        sites=() if destroy else site_addresses(seen.plugins.balancers(), sides.deployment),
    )
    return Planned(
        bound, seen.plugins, seen.known, seen.problem, placement, sides.deployment, sides.desired, plan, sides.firewall
    )


def solver_of(bound: Bound, plugins: Plugins) -> tuple[Solver | None, Limits]:
    """The solver that trellis.yaml names, None to let the size of the problem choose, and what it may spend."""
    project = bound.project
    solver = named_solver(project.solver, plugins.solvers()) if project.solver else None
    return solver, Limits(seconds=project.solver_seconds)


def _refuse_silent_clouds(bound: Bound, seen: Seen) -> None:
    """A cloud's balancer serves on unseen: what must stay open and running for it is not known."""
    for name, one in seen.observed.items():
        if one.problem and name not in bound.environment.hosts:
            raise UnreachableError(one.problem, where=name, hint="nothing was changed; run it again when it answers")


def _placed(bound: Bound, seen: Seen) -> Placement:
    return placed_or_refused(seen.problem, bound.environment.name, *solver_of(bound, seen.plugins))


def _warnings(
    bound: Bound, seen: Seen, placement: Placement, sides: Sides, ordered: tuple[Step, ...]
) -> tuple[str, ...]:
    return (
        *bound.notes,
        *seen.plugins.warnings,
        *placement.warnings,
        *gaps(ordered, sides.deployment),
        *sides.firewall.warnings,
        *role_warnings(bound.environment, bound.blueprint),
    )
