"""Plans a stack without any host, key or engine: what a test of a stack or a plugin compares."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trellis.cli.rendering import plan_lines
from trellis.desiring.binding import classes_of
from trellis.desiring.placed import deployment
from trellis.desiring.problem import placement_problem
from trellis.desiring.resources import desired
from trellis.environments.model import Environment
from trellis.errors import DoesNotFitError
from trellis.evaluating import evaluate
from trellis.hosts import Host, HostFacts
from trellis.observing import Observed
from trellis.placing import place
from trellis.planning import Deciding, steps
from trellis.plans import Plan
from trellis.plugin.contracts import Scope
from trellis.plugin.registry import Plugins
from trellis.resolving import resolve
from trellis.resources import Actual
from trellis.values import Value, freeze_mapping
from trellis_dsl.secret import Secret
from trellis_dsl.stack import Stack

SALT = b"a salt for tests"
ROOMY = HostFacts(cpus=64.0, memory=1 << 40, disk=1 << 44, docker="20.10", account="root root")
"""A host that has room for everything."""


def plan(  # noqa: PLR0913 - settings by name, each with a default
    stack: Stack,
    hosts: Sequence[Host],
    *,
    config: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | None = None,
    actuals: Sequence[Actual] = (),
    facts: Mapping[str, HostFacts] | None = None,
    root: Path = Path(),
    plugins: Plugins | None = None,
) -> Plan:
    """The plan for a stack in the environment ``dev``, with every plugin that is installed.

    Args:
        stack: as its program declares it.
        hosts: with roles and addresses; all of them answer.
        config: values by key, ``Website.workers``.
        secrets: likewise.
        actuals: what is on the hosts already; nothing by default.
        facts: of hosts that are not roomy.
        root: the folder of the stack's files.
        plugins: those that take part.

    Raises:
        DoesNotFitError: not everything fits.
        TrellisError: whatever `trellis plan` would raise.
    """
    found = plugins or Plugins.load()
    blueprint = evaluate(stack, root)
    named = {host.name: host for host in hosts}
    values: Mapping[str, Value] = freeze_mapping(config or {})
    environment = Environment("dev", root / "dev.yaml", named, values, {}, "least-loaded", "", certificates={})
    scope, known = Scope(stack.name, "dev", salt=SALT), facts or {}
    observed = {host.name: Observed(host, scope, facts=known.get(host.name, ROOMY)) for host in hosts}
    bound = resolve(blueprint, environment, {key: Secret(text) for key, text in (secrets or {}).items()})
    placement = place(placement_problem(blueprint, environment, observed))
    if placement.shortfalls:
        raise DoesNotFitError("; ".join(f"{one.service}: {'; '.join(one.reasons)}" for one in placement.shortfalls))
    placed = deployment(blueprint, environment, bound, placement, observed)
    wanted = desired(placed, classes_of(stack), root, found.resources(placed), SALT)
    planned = steps(wanted, actuals, Deciding(found.providers(), SALT, blueprint))
    return Plan(stack.name, "dev", planned, warnings=found.warnings)


def shown(made: Plan, *, diff: bool = False) -> str:
    """The plan as `trellis plan` prints it, for a golden file."""
    return "".join(f"{line}\n" for line in plan_lines(made, diff=diff))
