"""Tells every balancer of the stack what comes and goes while a plan is applied."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from trellis.blueprint import ServiceSpec, UpdateSpec
from trellis.deployment import Deployment, HostAddress
from trellis.errors import ApplyError, UnreachableError
from trellis.observing import Observed
from trellis.placing.naming import short_name
from trellis.plans import Step
from trellis.plugin.contracts import Applying, BalancedServer, Entrance, Leaving, NoTraffic, Report, Traffic


@dataclass(frozen=True, slots=True)
class Balancers:
    """The balancers of a placed stack, and the way to their hosts."""

    entrances: Sequence[Entrance] = ()
    deployment: Deployment | None = None
    observed: Mapping[str, Observed] | None = None

    def traffic(self, step: Step, report: Report) -> Traffic:
        """What the provider of a step's instance tells."""
        if not self.entrances or self.deployment is None or self.observed is None or step.key.kind != "container":
            return NoTraffic()
        return StepTraffic(self.entrances, self.deployment, self.observed, step, report)


NO_BALANCERS = Balancers()


@dataclass(frozen=True, slots=True)
class StepTraffic:
    """The balancers in front of one step's instance."""

    entrances: Sequence[Entrance]
    deployment: Deployment
    observed: Mapping[str, Observed]
    step: Step
    report: Report

    async def leave(self, host: str, ports: Mapping[str, int]) -> None:
        """Take it out of every balancer, side by side."""
        if not (servers := self.servers(host, ports)):
            return
        leaving = Leaving(servers, self._update.drain, returns=self._are_wanted(servers))
        await self._each(self.entrances, lambda entrance, applying: entrance.leave(leaving, applying))

    async def enter(self, host: str, ports: Mapping[str, int]) -> None:
        """Give it to every balancer that serves its service, side by side."""
        if not (servers := self.servers(host, ports)):
            return
        serving = [one for one in self.entrances if self.step.owner.service in one.services]
        await self._each(serving, lambda entrance, applying: entrance.enter(servers, applying))

    def servers(self, host: str, ports: Mapping[str, int]) -> tuple[BalancedServer, ...]:
        """The instance's endpoints as balancers know them."""
        owner, seen = self.step.owner, self.observed.get(host)
        if not owner.index or seen is None:
            return ()
        instance = short_name(owner.service, owner.index)
        answers = ports or self._fixed_ports()
        return tuple(
            BalancedServer(owner.service, endpoint, instance, seen.host.address, port)
            for endpoint, port in sorted(answers.items())
        )

    @property
    def _service(self) -> ServiceSpec | None:
        services = self.deployment.blueprint.services
        return next((one for one in services if one.name == self.step.owner.service), None)

    @property
    def _update(self) -> UpdateSpec:
        return self._service.update if self._service else UpdateSpec()

    def _fixed_ports(self) -> dict[str, int]:
        endpoints = self._service.endpoints if self._service and self._service.network == "host" else ()
        return {endpoint.name: endpoint.host_port or endpoint.port for endpoint in endpoints}

    def _are_wanted(self, servers: Sequence[BalancedServer]) -> bool:
        owner = self.step.owner
        wanted = {
            answers
            for instance in self.deployment.instances
            if (instance.service.name, instance.index) == (owner.service, owner.index)
            for answers in instance.published.values()
        }
        return all(HostAddress(server.address, server.port) in wanted for server in servers)

    async def _each(self, entrances: Sequence[Entrance], tell: Callable[[Entrance, Applying], Awaitable[None]]) -> None:
        """Tell them all; when one fails, the others have been told nevertheless.

        A balancer on a host that is lost has no visitors to lose, and is told by the next run.
        """
        told = [self._tell(tell, one, applying) for one in entrances if (applying := self._applying(one))]
        ended = await asyncio.gather(*told, return_exceptions=True)
        for error in (item for item in ended if isinstance(item, BaseException)):
            raise error

    async def _tell(
        self, tell: Callable[[Entrance, Applying], Awaitable[None]], entrance: Entrance, applying: Applying
    ) -> None:
        try:
            await tell(entrance, applying)
        except UnreachableError as error:
            if entrance.serves_alone:
                raise self._untold(entrance, error.what) from error
            self.report(f"the balancer on {entrance.host} was not told: {error.what}")

    def _untold(self, entrance: Entrance, why: str) -> ApplyError:
        return ApplyError(
            f"the balancer on {entrance.host} cannot be told, and goes on serving {self.step.key.name}: {why}",
            where=str(self.step.key),
            hint="what ran before still runs; run trellis up again when it answers",
        )

    def _applying(self, entrance: Entrance) -> Applying | None:
        seen = self.observed.get(entrance.host)
        if seen is None or seen.session is None:
            if entrance.serves_alone:
                raise self._untold(entrance, seen.problem if seen else "nobody asked it")
            self.report(f"{entrance.host} does not answer: its balancer is not told")
            return None
        return Applying(seen.session, seen.scope, self.report)
