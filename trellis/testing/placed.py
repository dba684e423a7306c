"""A stack placed on hosts that exist on paper only: what plugins are given, without any host or file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trellis.deployment import Deployment
from trellis.desiring.placed import deployment
from trellis.desiring.problem import placement_problem
from trellis.environments.model import Environment
from trellis.evaluating import evaluate
from trellis.firewall.ground import Ground, could_run, settled
from trellis.firewall.needs import Need, all_needs
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host, HostFacts
from trellis.observing import Observed
from trellis.placing import place
from trellis.placing.model import Problem
from trellis.plugin.contracts import Scope
from trellis.resolving import resolve
from trellis_dsl.stack import Stack

_FACTS = HostFacts(cpus=64.0, memory=1 << 40, disk=1 << 44, docker="20.10", extra={"firewall_tools": "nft iptables"})


@dataclass(frozen=True, slots=True)
class Placed:
    """A stack on its hosts, and the problem that its placement solved."""

    problem: Problem
    deployment: Deployment
    environment: Environment

    def ground(self, needs: Sequence[Need] = ()) -> Ground:
        """What the firewall's rules are made from.

        Args:
            needs: connections besides the declared ones, as plugins add them.
        """
        every = all_needs(self.deployment.blueprint, needs)
        environment = self.environment
        able, stay = could_run(self.problem), settled(self.problem)
        return Ground(self.deployment, environment.hosts, every, environment.firewall, able, stay)


def placed(
    stack: Stack,
    hosts: Sequence[Host],
    *,
    firewall: FirewallSettings | None = None,
    pins: Mapping[str, tuple[str, ...]] | None = None,
    facts: Mapping[str, HostFacts] | None = None,
    root: Path = Path(),
) -> Placed:
    """The stack on these hosts, all of which answer and have room enough.

    Args:
        stack: as its program declares it.
        hosts: with roles and addresses.
        firewall: what the environment says about it.
        pins: service to the only hosts that it may run on.
        facts: of hosts that are not like the others.
        root: the folder of the stack's files.
    """
    blueprint = evaluate(stack, root)
    named = {host.name: host for host in hosts}
    settings = firewall or FirewallSettings()
    environment = Environment(
        "dev", root / "dev.yaml", named, {}, pins or {}, "least-loaded", "", certificates={}, firewall=settings
    )
    scope = Scope(stack.name, "dev")
    known = facts or {}
    observed = {host.name: Observed(host, scope, facts=known.get(host.name, _FACTS)) for host in hosts}
    problem = placement_problem(blueprint, environment, observed)
    config = resolve(blueprint, environment, {})
    return Placed(problem, deployment(blueprint, environment, config, place(problem), observed), environment)
