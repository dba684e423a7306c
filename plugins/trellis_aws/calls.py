"""What AWS is to be told so that a group or a rule is as it should be; pure."""

from collections.abc import Iterable, Mapping

from trellis_aws.facts import ANY_BUT_FAILURE, HEALTHY
from trellis_aws.model import Group, Rule, Target

_LATER = "This site is being worked on. Please come back in a few minutes.\n"
_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"

NOTHING_HERE: Mapping[str, object] = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "StatusCode": "404",
        "ContentType": "text/plain",
        "MessageBody": "There is no such site.\n",
    },
}


def health_check(group: Group) -> dict[str, object]:
    """How often a group's instances are asked, and what is a good answer."""
    return {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": group.health_path or "/",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 3,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": HEALTHY if group.health_path else ANY_BUT_FAILURE},
    }


def group_attributes(group: Group) -> list[dict[str, str]]:
    """Stickiness, and the time that requests under way may take."""
    found = {
        "deregistration_delay.timeout_seconds": str(group.drain),
        "stickiness.enabled": "true" if group.sticky else "false",
        "stickiness.type": "lb_cookie",
    }
    return [{"Key": key, "Value": value} for key, value in found.items()]


def targets_in(targets: Iterable[Target], inside: Mapping[str, bool]) -> list[dict[str, object]]:
    """Targets as AWS takes them; an address outside of the VPC's own networks is in no zone."""
    return [
        {"Id": one.address, "Port": one.port} | ({} if inside.get(one.address, True) else {"AvailabilityZone": "all"})
        for one in targets
    ]


def conditions(rule: Rule) -> list[dict[str, object]]:
    """When the rule fits."""
    found: list[dict[str, object]] = [{"Field": "host-header", "HostHeaderConfig": {"Values": list(rule.hosts)}}]
    if rule.paths:
        found.append({"Field": "path-pattern", "PathPatternConfig": {"Values": list(rule.paths)}})
    return found


def actions(rule: Rule, groups: Mapping[str, str], https_port: int) -> list[dict[str, object]]:
    """What it does; `groups` has the ARNs by name."""
    if rule.does == "forward":
        return [{"Type": "forward", "TargetGroupArn": groups[rule.group]}]
    if rule.does == "redirect":
        config = {"Protocol": "HTTPS", "Port": str(https_port), "StatusCode": "HTTP_301"}
        return [{"Type": "redirect", "RedirectConfig": config}]
    config = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": _LATER}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def listener(port: int, certificate: str) -> dict[str, object]:
    """A listener's own settings; a certificate makes it one for TLS."""
    found: dict[str, object] = {"Port": port, "DefaultActions": [NOTHING_HERE]}
    if certificate:
        tls = {"Protocol": "HTTPS", "Certificates": [{"CertificateArn": certificate}], "SslPolicy": _POLICY}
        return found | tls
    return found | {"Protocol": "HTTP"}
