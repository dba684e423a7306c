"""What AWS's answers mean: a load balancer as it was found; pure."""

from collections.abc import Mapping
from typing import Any

from trellis_aws.model import Balancer, Front, Group, Rule, Target
from trellis_aws.names import GIVEN, SITE
from trellis_aws.reading import Answers, FrontAnswers, GroupAnswers

DRAINING = "draining"
ANY_BUT_FAILURE = "200-499"
HEALTHY = "200-399"


def found_balancer(answers: Answers) -> Balancer | None:
    """The load balancer; None where there is none."""
    if answers.balancer is None:
        return None
    described = answers.balancer
    names = {group.arn: group.name for group in answers.groups}
    return Balancer(
        name=described["LoadBalancerName"],
        scheme=described["Scheme"],
        subnets=tuple(sorted(one["SubnetId"] for one in described["AvailabilityZones"])),
        security_groups=tuple(sorted(described.get("SecurityGroups", ()))),
        idle_timeout=int(answers.attributes.get("idle_timeout.timeout_seconds", "60")),
        certificate=_certificate(answers),
        fronts=tuple(_front(front, names) for front in answers.fronts),
        groups=tuple(sorted(found_group(group) for group in answers.groups)),
    )


def _certificate(answers: Answers) -> str:
    """The one that the environment gave, while it is in use; Trellis's own look after themselves."""
    given = answers.tags.get(GIVEN, "")
    used = {arn for front in answers.fronts for arn in front.certificates}
    return given if not given or given in used else f"{given} is not used"


def found_group(group: GroupAnswers) -> Group:
    """A target group; what is leaving it is not in it."""
    check, matcher = group.described, group.described.get("Matcher", {}).get("HttpCode", "")
    path = check.get("HealthCheckPath", "")
    return Group(
        name=group.name,
        site=group.tags.get(SITE, ""),
        health_path=""
        if (path, matcher) == ("/", ANY_BUT_FAILURE)
        else path
        if matcher == HEALTHY
        else f"{path} {matcher}",
        sticky=group.attributes.get("stickiness.enabled") == "true",
        drain=int(group.attributes.get("deregistration_delay.timeout_seconds", "300")),
        targets=tuple(sorted(found_target(one) for one in group.healths if state(one) != DRAINING)),
    )


def found_target(health: Mapping[str, Any]) -> Target:
    """Where it answers."""
    return Target(health["Target"]["Id"], int(health["Target"]["Port"]))


def state(health: Mapping[str, Any]) -> str:
    """``initial``, ``healthy``, ``unhealthy``, ``unused``, ``draining`` or ``unavailable``."""
    return str(health["TargetHealth"]["State"])


def _front(front: FrontAnswers, names: Mapping[str, str]) -> Front:
    ordered = sorted((one for one in front.rules if not one["IsDefault"]), key=lambda one: int(one["Priority"]))
    rest = front.described["DefaultActions"][0]
    code = (
        rest.get("FixedResponseConfig", {}).get("StatusCode", "") if rest["Type"] == "fixed-response" else rest["Type"]
    )
    rules = tuple(found_rule(one, names) for one in ordered)
    return Front(front.described["Port"], front.described["Protocol"] == "HTTPS", rules, code)


def found_rule(described: Mapping[str, Any], names: Mapping[str, str]) -> Rule:
    """A rule; one that Trellis would not make differs from every one that it makes."""
    values = {one["Field"]: _values(one) for one in described["Conditions"]}
    action = described["Actions"][0]
    hosts, paths = values.pop("host-header", ()), values.pop("path-pattern", ())
    paths += tuple(f"{field} {value}" for field, found in values.items() for value in found)
    match action["Type"]:
        case "forward":
            return Rule(hosts, paths, "forward", names.get(_group_arn(action), "another group"))
        case "redirect":
            how = action["RedirectConfig"]
            as_usual = (how.get("Protocol"), how.get("StatusCode")) == ("HTTPS", "HTTP_301")
            return Rule(hosts, paths, "redirect", "" if as_usual else "elsewhere")
        case _:
            code = action.get("FixedResponseConfig", {}).get("StatusCode", action["Type"])
            return Rule(hosts, paths, "later", "" if code == "503" else code)


def _values(condition: Mapping[str, Any]) -> tuple[str, ...]:
    found = [condition[key] for key in ("HostHeaderConfig", "PathPatternConfig") if condition.get(key)]
    return tuple((found[0].get("Values") if found else ()) or condition.get("Values") or ())


def _group_arn(action: Mapping[str, Any]) -> str:
    groups = action.get("ForwardConfig", {}).get("TargetGroups", ())
    if len(groups) > 1:
        return ""
    return str(action.get("TargetGroupArn") or (groups[0]["TargetGroupArn"] if groups else ""))
