"""The load balancer of a stack: instances leave its groups and enter them while it serves."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import monotonic

from trellis.errors import ApplyError
from trellis.plugin.contracts import Applying, BalancedServer, Leaving
from trellis_aws.facts import DRAINING, found_target, state
from trellis_aws.model import Target
from trellis_aws.names import UNFINISHED, as_tags
from trellis_aws.reading import GroupAnswers, read_groups, read_healths
from trellis_aws.session import AwsSession

_BETWEEN_LOOKS = 1.0
_SECONDS_TO_BE_HEALTHY = 90.0
_SERVES = frozenset({"healthy", "unused"})
"""A group that no rule sends anything to yet does not ask its instances: ``unused``."""


@dataclass(frozen=True, slots=True)
class AwsEntrance:
    """Where AWS takes a stack's traffic in.

    Attributes:
        host: the region.
        services: whose instances it sends traffic to.
        groups: each site's service and endpoint by the name of its group, which may not be there yet.
        serves_alone: AWS goes on when it cannot be talked to.
    """

    host: str
    services: Collection[str]
    groups: dict[str, tuple[str, str]]
    serves_alone: bool = True

    async def leave(self, leaving: Leaving, applying: Applying) -> None:
        """Take the instance out of every group, and wait until AWS has ended what it has under way."""
        meant = {(server.address, server.port) for server in leaving.servers}
        for group in await self._groups(applying):
            there = [one for one in map(found_target, group.healths) if (one.address, one.port) in meant]
            if there:
                await self._take_out(group, there, applying)
        deadline = monotonic() + leaving.seconds
        said = False
        while await self._is_draining(meant, applying) and monotonic() < deadline:
            if not said:
                applying.report(f"draining in AWS, for {leaving.seconds:g} s at most")
                said = True
            await asyncio.sleep(_BETWEEN_LOOKS)

    async def enter(self, servers: Sequence[BalancedServer], applying: Applying) -> None:
        """Put the instance into the groups of its sites, and wait until AWS sends it traffic.

        Groups that are still to come bring their instances with them.

        Raises:
            ApplyError: AWS finds it unhealthy.
        """
        for group in await self._groups(applying):
            meant = [
                Target(server.address, server.port, server.instance)
                for server in servers
                if self.groups.get(group.name) == (server.service, server.endpoint)
            ]
            if meant:
                await self._put_in(group, meant, applying)

    async def _take_out(self, group: GroupAnswers, targets: Sequence[Target], applying: Applying) -> None:
        """The mark first: a run that is killed in between leaves a group that is not whole."""
        api = _session(applying).api
        await api.call("elbv2", "add_tags", ResourceArns=[group.arn], Tags=as_tags({UNFINISHED: "yes"}))
        ids = [{"Id": one.address, "Port": one.port} for one in targets]
        await api.call("elbv2", "deregister_targets", TargetGroupArn=group.arn, Targets=ids)

    async def _put_in(self, group: GroupAnswers, targets: Sequence[Target], applying: Applying) -> None:
        from trellis_aws.calls import targets_in
        from trellis_aws.placing import inside

        session = _session(applying)
        within = await inside(session.api, session.settings, targets)
        await session.api.call(
            "elbv2", "register_targets", TargetGroupArn=group.arn, Targets=targets_in(targets, within)
        )
        await self._until_healthy(group, targets, applying)
        await session.api.call("elbv2", "remove_tags", ResourceArns=[group.arn], TagKeys=[UNFINISHED])

    async def _until_healthy(self, group: GroupAnswers, targets: Sequence[Target], applying: Applying) -> None:
        meant = {(one.address, one.port): one.name for one in targets}
        deadline, said = monotonic() + _SECONDS_TO_BE_HEALTHY, False
        while True:
            healths = await read_healths(_session(applying).api, group.arn)
            waiting = [one for one in healths if _place(one) in meant and state(one) not in _SERVES]
            if not waiting:
                return
            if monotonic() > deadline:
                said_by_aws = waiting[0]["TargetHealth"].get("Description") or state(waiting[0])
                raise ApplyError(
                    f"AWS sends no traffic to {meant[_place(waiting[0])]}: {said_by_aws}",
                    where=f"{group.name} on {self.host}",
                    hint="its security groups and the host's firewall must let the load balancer's subnets in: "
                    "trellis firewall show",
                )
            if not said:
                applying.report("waiting until AWS finds it healthy")
                said = True
            await asyncio.sleep(_BETWEEN_LOOKS)

    async def _is_draining(self, meant: Collection[tuple[str, int]], applying: Applying) -> bool:
        groups = await self._groups(applying)
        return any(_place(one) in meant and state(one) == DRAINING for group in groups for one in group.healths)

    async def _groups(self, applying: Applying) -> Sequence[GroupAnswers]:
        scope = applying.scope
        return await read_groups(_session(applying).api, scope.stack, scope.environment)


def _place(health: dict[str, object]) -> tuple[str, int]:
    target = found_target(health)
    return target.address, target.port


def _session(applying: Applying) -> AwsSession:
    assert isinstance(applying.session, AwsSession)  # noqa: S101 - for the type checker: its own connector made it
    return applying.session
