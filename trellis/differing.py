"""Differ: both sides of a plan, what should be and what is, and the steps between them; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trellis.binding import Bound
from trellis.certifying import Certifying
from trellis.deployment import Deployment
from trellis.desiring.balanced import certificate_places, doors
from trellis.desiring.binding import classes_of
from trellis.desiring.overlapping import Place, places_to_change
from trellis.desiring.parking import may_park, parked_containers
from trellis.desiring.placed import deployment, reasons_of
from trellis.desiring.resources import desired
from trellis.firewall.ground import Ground, could_run, settled
from trellis.firewall.needs import all_needs
from trellis.firewall.resources import Walls, walls
from trellis.placing.model import Placement
from trellis.placing.sequencing import sequence
from trellis.planning import Deciding, steps
from trellis.plans import Step
from trellis.resources import Actual, Resource
from trellis.seeing import Seen


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of a plan, and the steps between them."""

    deployment: Deployment
    desired: tuple[Resource, ...]
    actuals: Sequence[Actual]
    steps: tuple[Step, ...]
    firewall: Walls


def both_sides(bound: Bound, seen: Seen, placement: Placement, now: datetime, *, destroy: bool = False) -> Sides:
    """What should be, what is, and how they differ.

    Args:
        bound: the stack in its environment.
        seen: its hosts.
        placement: where instances run.
        now: aware; certificates are due by it.
        destroy: nothing should be.
    """
    comparing = _Comparing(bound, seen, placement, now, destroy=destroy)
    found = comparing.sides()
    if elsewhere := places_to_change(found.steps, found.deployment):
        # What is replaced while its old one serves needs another port on its host; only now is it known what is.
        return comparing.sides(elsewhere)
    return found


class _Comparing:
    """One comparison; what does not depend on where ports are is worked out once."""

    def __init__(self, bound: Bound, seen: Seen, placement: Placement, now: datetime, *, destroy: bool) -> None:
        self._bound, self._seen, self._placement, self._now, self._destroy = bound, seen, placement, now, destroy
        self._blueprint = replace(bound.blueprint, services=(), roles=()) if destroy else bound.blueprint
        self._observed = seen.known
        self._deciding = self._made_deciding()

    def sides(self, elsewhere: Collection[Place] = ()) -> Sides:
        placed = self._deployed(self._placement, elsewhere)
        placed = replace(placed, doors=doors(self._seen.plugins.balancers(), placed))
        placed = self._with_certificates(placed)
        firewall = walls(self._ground(placed), self._seen.plugins.firewalls())
        wanted = () if self._destroy else self._wanted(placed, firewall.resources)
        actuals = _relevant(self._seen.actuals, wanted)
        deciding = replace(self._deciding, needs=firewall.ground.needs)
        return Sides(placed, wanted, actuals, steps(wanted, actuals, deciding), firewall)

    def _made_deciding(self) -> Deciding:
        placement, blueprint = self._placement, self._blueprint
        changes = () if self._destroy else sequence(self._seen.problem, placement, may_park(blueprint, placement))
        return Deciding(
            self._seen.plugins.providers(),
            self._bound.salt,
            self._bound.blueprint,
            with_data=self._destroy,
            reasons=reasons_of(placement),
            changes=changes,
            parked=parked_containers(changes, lambda extra: self._wanted(self._deployed(extra)), placement),
        )

    def _deployed(self, placement: Placement, elsewhere: Collection[Place] = ()) -> Deployment:
        bound = self._bound
        return deployment(self._blueprint, bound.environment, bound.config, placement, self._observed, elsewhere)

    def _with_certificates(self, placed: Deployment) -> Deployment:
        """With what plugins that keep certificates are told."""
        bound, places = self._bound, certificate_places(self._seen.plugins.balancers(), placed)
        settings, root = bound.environment.certificates, bound.project.root
        return replace(placed, certifying=Certifying(settings, root, places, self._now, bound.kept))

    def _ground(self, placed: Deployment) -> Ground:
        problem, environment = self._seen.problem, self._bound.environment
        needs = all_needs(placed.blueprint, self._seen.plugins.connections(placed))
        return Ground(placed, environment.hosts, needs, environment.firewall, could_run(problem), settled(problem))

    def _wanted(self, placed: Deployment, more: Sequence[Resource] = ()) -> tuple[Resource, ...]:
        plumbing = (*self._seen.plugins.resources(placed), *more)
        bound = self._bound
        return desired(placed, classes_of(bound.stack), bound.program.root, plumbing, bound.salt)


def _relevant(actuals: Sequence[Actual], wanted: Sequence[Resource]) -> list[Actual]:
    """Without images that nobody wants, which are never removed, and foreign things that are in nobody's way."""
    keys = {resource.key for resource in wanted}
    return [actual for actual in actuals if actual.key in keys or not (actual.foreign or actual.key.kind == "image")]
