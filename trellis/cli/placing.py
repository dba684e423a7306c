"""What commands say about placement: explanations, shortfalls as a document, what was asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trellis.cli.output import echo, emit_json
from trellis.environments.project import Project
from trellis.plans import Limit

if TYPE_CHECKING:
    from trellis.desiring.problem import Asking
    from trellis.placing.explaining import Explanation
    from trellis.placing.model import PlacedInstance, Placement, Shortfall


def asking_of(
    allow_moves: tuple[str, ...],
    *,
    rebalance: bool = False,
    hosts: tuple[str, ...] = (),
    roles: tuple[str, ...] = (),
) -> "Asking":
    """What the options ask of the placement."""
    from trellis.desiring.problem import Asking

    return Asking(frozenset(allow_moves), rebalance, Limit(hosts, roles))


@contextmanager
def told_as_json(stack: str, environment: str, *, as_json: bool) -> Iterator[None]:
    """Print what does not fit as one JSON document before the error goes on to the edge."""
    from trellis.desiring.placement import ShortfallError

    try:
        yield
    except ShortfallError as error:
        if as_json:
            emit_json(
                {
                    "stack": stack,
                    "environment": environment,
                    "shortfalls": [shortfall_entry(short) for short in error.placement.shortfalls],
                    "warnings": list(error.placement.warnings),
                    "proof": error.placement.proof,
                    "advice": [
                        {"role": give.role, "hosts": list(give.hosts), "missing": give.missing} for give in error.advice
                    ],
                }
            )
        raise


def shortfall_entry(short: "Shortfall") -> Mapping[str, Any]:
    """A shortfall as JSON."""
    return {"service": short.service, "role": short.role, "missing": short.missing, "reasons": list(short.reasons)}


def placed_entry(placed: "PlacedInstance") -> Mapping[str, Any]:
    """A placed or stopped instance as JSON."""
    return {
        "service": placed.service,
        "role": placed.role,
        "index": placed.index,
        "host": placed.host,
        "reason": placed.reason,
    }


async def explain_service(project: Project, name: str, service: str, asking: "Asking", *, as_json: bool) -> None:
    """Print why each instance of the service is where it is, and what keeps it from every other host.

    Raises:
        DoesNotFitError: an instance of it found no host; why has been printed.
        ConfigError: there is no such service.
    """
    from trellis.errors import DoesNotFitError
    from trellis.pipeline import bind, observing, solver_of
    from trellis.placing import place
    from trellis.placing.explaining import explain
    from trellis.placing.report import explanation_lines

    bound = bind(project, name)
    async with observing(bound, asking) as seen:
        solver, limits = solver_of(bound, seen.plugins)
        placement = place(seen.problem, solver=solver, limits=limits)
        explanation = explain(seen.problem, placement, service)
    if as_json:
        emit_json(_explanation_document(bound.blueprint.stack, name, explanation, placement))
    else:
        for line in explanation_lines(explanation):
            echo(line)
        echo(f"placement: {placement.proof}")
    if explanation.shortfalls:
        missing = sum(short.missing for short in explanation.shortfalls)
        raise DoesNotFitError(f"{missing} {service} found no host", hint=f"trellis advise -e {name}")


def _explanation_document(
    stack: str, environment: str, explanation: "Explanation", placement: "Placement"
) -> Mapping[str, Any]:
    return {
        "stack": stack,
        "environment": environment,
        "service": explanation.service,
        "instances": [
            {
                **placed_entry(each.instance),
                "elsewhere": [
                    {"host": other.host, "possible": other.possible, "reason": other.reason} for other in each.elsewhere
                ],
            }
            for each in explanation.instances
        ],
        "stopped": [placed_entry(placed) for placed in explanation.stopped],
        "shortfalls": [shortfall_entry(short) for short in explanation.shortfalls],
        "proof": placement.proof,
    }
