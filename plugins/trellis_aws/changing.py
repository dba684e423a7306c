"""Makes a load balancer as it should be, step by step; every step may be the last one of a run that is killed."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace

from trellis.errors import ApplyError
from trellis.plugin.contracts import Report, Scope
from trellis_aws.api import Api
from trellis_aws.calls import group_attributes, health_check, targets_in
from trellis_aws.facts import found_group
from trellis_aws.listening import Listening
from trellis_aws.model import Balancer, Group
from trellis_aws.names import DIGEST, GIVEN, SITE, UNFINISHED, as_tags, own_tags
from trellis_aws.placing import among, vpc_of
from trellis_aws.reading import Answers, GroupAnswers, read
from trellis_aws.settings import Settings

_YES = "yes"


class Changing:
    """One environment's load balancer."""

    def __init__(self, api: Api, scope: Scope, report: Report) -> None:
        self._api, self._scope, self._report = api, scope, report

    async def make(self, wanted: Balancer, settings: Settings) -> None:
        """All of it: groups, the balancer, listeners and rules; then what nobody wants any more goes."""
        vpc, networks = await vpc_of(self._api, settings)
        answers = await self._answers()
        groups = await self._make_groups(wanted, answers, vpc, networks)
        arn = answers.arn or await self._create(wanted)
        await self._mark(arn)
        await self._settle(arn, wanted, answers)
        listening = Listening(self._api, self._scope, arn, groups, settings.https_port)
        answers = await self._answers()
        await listening.make(wanted, answers.fronts)
        await self._delete_groups(group for group in answers.groups if group.name not in groups)
        await self._finish(arn, wanted, groups.values())

    async def remove(self, answers: Answers) -> None:
        """The balancer, which takes its listeners and rules along, then the groups."""
        if answers.balancer:
            await self._api.call("elbv2", "delete_load_balancer", LoadBalancerArn=answers.arn)
        await self._delete_groups(answers.groups)

    async def _answers(self) -> Answers:
        return await read(self._api, self._scope.stack, self._scope.environment)

    async def _make_groups(
        self, wanted: Balancer, answers: Answers, vpc: str, networks: Iterable[ipaddress.IPv4Network]
    ) -> dict[str, str]:
        """The groups' ARNs by name, after each one is as it should be."""
        there = {group.name: group for group in answers.groups}
        arns = {}
        for group in wanted.groups:
            known = there.get(group.name)
            if known and known.described.get("VpcId") not in {None, vpc}:
                raise ApplyError(
                    f"the instances of {group.site} are known in another VPC",
                    where="balancer.subnets",
                    hint="a load balancer stays in its VPC: say serves: false, trellis up, then name the new subnets",
                )
            arns[group.name] = known.arn if known else await self._create_group(group, vpc)
            await self._make_group(group, known, arns[group.name], among(group.targets, networks))
        return arns

    async def _create_group(self, group: Group, vpc: str) -> str:
        scope = self._scope
        answer = await self._api.call(
            "elbv2",
            "create_target_group",
            Name=group.name,
            Protocol="HTTP",
            Port=80,
            VpcId=vpc,
            TargetType="ip",
            Tags=own_tags(scope.stack, scope.environment, **{SITE: group.site}),
            **health_check(group),
        )
        return str(answer["TargetGroups"][0]["TargetGroupArn"])

    async def _make_group(self, group: Group, known: GroupAnswers | None, arn: str, inside: Mapping[str, bool]) -> None:
        """Its settings and its targets; those who are no longer wanted are drained by AWS."""
        found = found_group(known) if known else replace(group, targets=(), sticky=not group.sticky)
        if found.health_path != group.health_path:
            await self._api.call("elbv2", "modify_target_group", TargetGroupArn=arn, **health_check(group))
        if (found.sticky, found.drain) != (group.sticky, group.drain):
            await self._api.call(
                "elbv2", "modify_target_group_attributes", TargetGroupArn=arn, Attributes=group_attributes(group)
            )
        before, after = ({(one.address, one.port): one for one in side.targets} for side in (found, group))
        if new := [after[at] for at in after if at not in before]:
            await self._api.call("elbv2", "register_targets", TargetGroupArn=arn, Targets=targets_in(new, inside))
        if old := [before[at] for at in before if at not in after]:
            await self._api.call("elbv2", "deregister_targets", TargetGroupArn=arn, Targets=targets_in(old, {}))

    async def _create(self, wanted: Balancer) -> str:
        self._report(f"asking AWS for the load balancer {wanted.name}")
        scope = self._scope
        answer = await self._api.call(
            "elbv2",
            "create_load_balancer",
            Name=wanted.name,
            Type="application",
            Scheme=wanted.scheme,
            Subnets=list(wanted.subnets),
            SecurityGroups=list(wanted.security_groups),
            Tags=own_tags(scope.stack, scope.environment, **{UNFINISHED: _YES}),
        )
        return str(answer["LoadBalancers"][0]["LoadBalancerArn"])

    async def _settle(self, arn: str, wanted: Balancer, answers: Answers) -> None:
        """The balancer's own settings."""
        described = answers.balancer or {}
        if described and tuple(sorted(one["SubnetId"] for one in described["AvailabilityZones"])) != wanted.subnets:
            await self._api.call("elbv2", "set_subnets", LoadBalancerArn=arn, Subnets=list(wanted.subnets))
        if described and tuple(sorted(described.get("SecurityGroups", ()))) != wanted.security_groups:
            groups = list(wanted.security_groups)
            await self._api.call("elbv2", "set_security_groups", LoadBalancerArn=arn, SecurityGroups=groups)
        idle = {"Key": "idle_timeout.timeout_seconds", "Value": str(wanted.idle_timeout)}
        if answers.attributes.get(idle["Key"]) != idle["Value"]:
            await self._api.call("elbv2", "modify_load_balancer_attributes", LoadBalancerArn=arn, Attributes=[idle])

    async def _mark(self, arn: str) -> None:
        """A run is under way, or was killed."""
        await self._api.call("elbv2", "add_tags", ResourceArns=[arn], Tags=as_tags({UNFINISHED: _YES}))

    async def _finish(self, arn: str, wanted: Balancer, groups: Iterable[str]) -> None:
        tags = {DIGEST: wanted.digest} | ({GIVEN: wanted.certificate} if wanted.certificate else {})
        await self._api.call("elbv2", "add_tags", ResourceArns=[arn], Tags=as_tags(tags))
        gone = [] if wanted.certificate else [GIVEN]
        await self._api.call("elbv2", "remove_tags", ResourceArns=[arn, *groups], TagKeys=[UNFINISHED, *gone])

    async def _delete_groups(self, groups: Iterable[GroupAnswers]) -> None:
        for group in groups:
            await self._api.call("elbv2", "delete_target_group", TargetGroupArn=group.arn)
