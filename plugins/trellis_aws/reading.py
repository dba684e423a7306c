"""Reads how a load balancer is, with few calls; `facts` says what the answers mean."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from trellis_aws.api import Api, RefusedError
from trellis_aws.names import balancer_name, group_prefix, is_ours, tags_of

_TAGS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class GroupAnswers:
    """What AWS says about one target group."""

    described: dict[str, Any]
    tags: dict[str, str]
    attributes: dict[str, str] = field(default_factory=dict)
    healths: tuple[dict[str, Any], ...] = ()

    @property
    def arn(self) -> str:
        """Its own."""
        return str(self.described["TargetGroupArn"])

    @property
    def name(self) -> str:
        """Likewise."""
        return str(self.described["TargetGroupName"])


@dataclass(frozen=True, slots=True)
class FrontAnswers:
    """What AWS says about one listener."""

    described: dict[str, Any]
    rules: tuple[dict[str, Any], ...]
    certificates: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """Its own."""
        return str(self.described["ListenerArn"])


@dataclass(frozen=True, slots=True)
class Answers:
    """What AWS says about an environment's load balancer; `balancer` is None where there is none."""

    balancer: dict[str, Any] | None
    tags: dict[str, str]
    attributes: dict[str, str]
    fronts: tuple[FrontAnswers, ...]
    groups: tuple[GroupAnswers, ...]
    foreign: bool = False

    @property
    def arn(self) -> str:
        """The load balancer's."""
        return str(self.balancer["LoadBalancerArn"]) if self.balancer else ""


async def read(api: Api, stack: str, environment: str) -> Answers:
    """Everything about it; what carries other tags is told as foreign, and nothing more is asked about it."""
    balancer, groups = await asyncio.gather(
        read_balancer(api, balancer_name(stack, environment)), read_groups(api, stack, environment)
    )
    if balancer is None:
        return Answers(None, {}, {}, (), groups)
    arn = balancer["LoadBalancerArn"]
    tags = (await read_tags(api, [arn]))[arn]
    if not is_ours(tags, stack, environment):
        return Answers(None, tags, {}, (), groups, foreign=True)
    attributes, fronts = await asyncio.gather(
        api.call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn), _fronts(api, arn)
    )
    return Answers(balancer, tags, _values(attributes), fronts, groups)


async def read_groups(api: Api, stack: str, environment: str) -> tuple[GroupAnswers, ...]:
    """The environment's target groups, also those that a broken-off run left behind."""
    every = await api.pages("elbv2", "describe_target_groups", "TargetGroups")
    named = [one for one in every if one["TargetGroupName"].startswith(group_prefix(stack, environment))]
    tags = await read_tags(api, [one["TargetGroupArn"] for one in named])
    ours = [one for one in named if is_ours(tags[one["TargetGroupArn"]], stack, environment)]
    return tuple(await asyncio.gather(*(_group(api, one, tags[one["TargetGroupArn"]]) for one in ours)))


async def read_tags(api: Api, arns: list[str]) -> dict[str, dict[str, str]]:
    """The tags of each thing."""
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(arns), _TAGS_AT_ONCE):
        answer = await api.call("elbv2", "describe_tags", ResourceArns=arns[start : start + _TAGS_AT_ONCE])
        found |= {one["ResourceArn"]: tags_of(one["Tags"]) for one in answer["TagDescriptions"]}
    return found


async def read_healths(api: Api, group: str) -> tuple[dict[str, Any], ...]:
    """How each target of a group is."""
    answer = await api.call("elbv2", "describe_target_health", TargetGroupArn=group)
    return tuple(answer["TargetHealthDescriptions"])


async def read_balancer(api: Api, name: str) -> dict[str, Any] | None:
    """A load balancer as AWS describes it, whoever made it; None where there is none."""
    try:
        answer = await api.call("elbv2", "describe_load_balancers", Names=[name])
    except RefusedError as error:
        if error.code.startswith("LoadBalancerNotFound"):
            return None
        raise
    found: list[dict[str, Any]] = answer["LoadBalancers"]
    return found[0] if found else None


async def _group(api: Api, described: dict[str, Any], tags: dict[str, str]) -> GroupAnswers:
    arn = described["TargetGroupArn"]
    attributes, healths = await asyncio.gather(
        api.call("elbv2", "describe_target_group_attributes", TargetGroupArn=arn), read_healths(api, arn)
    )
    return GroupAnswers(described, tags, _values(attributes), healths)


async def _fronts(api: Api, balancer: str) -> tuple[FrontAnswers, ...]:
    listeners = await api.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=balancer)
    return tuple(await asyncio.gather(*(_front(api, one) for one in sorted(listeners, key=lambda one: one["Port"]))))


async def _front(api: Api, described: dict[str, Any]) -> FrontAnswers:
    arn = described["ListenerArn"]
    rules = await api.pages("elbv2", "describe_rules", "Rules", ListenerArn=arn)
    if described["Protocol"] != "HTTPS":
        return FrontAnswers(described, tuple(rules))
    first = [one["CertificateArn"] for one in described.get("Certificates", ())]
    more = await api.pages("elbv2", "describe_listener_certificates", "Certificates", ListenerArn=arn)
    return FrontAnswers(
        described, tuple(rules), tuple(dict.fromkeys([*first, *(one["CertificateArn"] for one in more)]))
    )


def _values(answer: Any) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in answer["Attributes"]}
