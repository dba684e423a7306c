"""What a plan is bound to: digests of all that it was made from, so that a stale one is refused; pure."""

from collections.abc import Sequence

from trellis.binding import Bound
from trellis.resources import Actual, Resource
from trellis.values import digest, fingerprinted, freeze

# What changes by itself while nothing changes: no plan is stale because of it.
_RESTLESS = {"started_at", "restarts", "health", "exit_status"}


def bound_digests(bound: Bound, wanted: Sequence[Resource], actuals: Sequence[Actual]) -> dict[str, str]:
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
