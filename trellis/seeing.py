"""See: an environment's hosts observed, and the placement problem that they make together with the stack."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trellis.binding import Bound
from trellis.blueprint import Blueprint
from trellis.desiring.carried import role_names
from trellis.desiring.problem import NOTHING_SPECIAL, Asking, check_asking, placement_problem
from trellis.desiring.rebuilding import as_it_was
from trellis.drifting import find_drift
from trellis.errors import ConfigError
from trellis.hosts import Host, with_secrets
from trellis.limiting import check_limit
from trellis.observing import Looking, Observed, close, observe
from trellis.placing.model import Problem
from trellis.plans import Drift, Limit
from trellis.plugin.registry import Plugins
from trellis.remembering import Memory, left_alone
from trellis.resources import Actual, ResourceKey


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
    def actuals(self) -> list[Actual]:
        """What was found on the hosts that answered."""
        return [actual for seen in self.observed.values() if not seen.problem for actual in seen.actuals]

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
    places = (*bound.environment.hosts.values(), *_clouds(bound, plugins))
    observed = await observe([with_secrets(host, bound.secrets) for host in places], _looking(bound, plugins))
    memory = Memory(bound.project.state_url, bound.environment.name)
    try:
        known = memory.with_silent_hosts(observed)
        problem = as_it_was(placement_problem(bound.blueprint, bound.environment, known, asking), memory)
        yield Seen(plugins, observed, problem, memory, bound.blueprint, asking.limit)
    finally:
        await close(observed.values())


def _clouds(bound: Bound, plugins: Plugins) -> Iterable[Host]:
    """Places outside of the hosts; a host of such a name could not be told from it."""
    found = plugins.clouds(bound.environment)
    for name in found.keys() & bound.environment.hosts.keys():
        raise ConfigError(
            f"a host is called {name}, as the place is where the balancer {bound.environment.balancer.provider} is",
            where=f"environments/{bound.environment.name}.yaml: hosts.{name}",
            hint="give the host another name",
        )
    return found.values()


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
