"""Instances leave AWS's groups and enter them: moto ends a drain at once, so a double shows the waits."""

from collections.abc import Mapping
from typing import Any

import pytest

from trellis.errors import ApplyError
from trellis.hosts import Host
from trellis.plugin.contracts import Applying, BalancedServer, Leaving, Scope
from trellis_aws import entrance
from trellis_aws.entrance import AwsEntrance
from trellis_aws.names import SITE, group_name, own_tags
from trellis_aws.session import AwsSession
from trellis_aws.settings import Settings

SETTINGS = Settings("eu-west-1", ("subnet-a", "subnet-b"), ("sg-1",))
GROUP = group_name("shop", "dev", "Web.public")
SERVER = BalancedServer("Web", "http", "web-1", "10.0.0.11", 20001)


class AwsDouble:
    """One target group whose one target goes through states, one at each look."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.done: list[str] = []

    async def pages(self, service: str, operation: str, key: str, **arguments: object) -> list[dict[str, Any]]:
        del service, key, arguments
        assert operation == "describe_target_groups"
        return [{"TargetGroupName": GROUP, "TargetGroupArn": "arn:group"}]

    async def call(self, service: str, operation: str, **arguments: object) -> Mapping[str, Any]:
        del service
        match operation:
            case "describe_tags":
                return {
                    "TagDescriptions": [{"ResourceArn": "arn:group", "Tags": own_tags("shop", "dev", **{SITE: "x"})}]
                }
            case "describe_target_group_attributes":
                return {"Attributes": []}
            case "describe_target_health":
                state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                health = {"State": state, "Description": "Health checks failed"}
                target = {"Id": SERVER.address, "Port": SERVER.port}
                return {"TargetHealthDescriptions": [{"Target": target, "TargetHealth": health}]}
            case "describe_subnets":
                return {"Subnets": [{"VpcId": "vpc-1"}]}
            case "describe_vpcs":
                return {"Vpcs": [{"CidrBlock": "10.0.0.0/16"}]}
        self.done.append(operation if "Targets" not in arguments else f"{operation} {arguments['Targets']}")
        return {}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "_BETWEEN_LOOKS", 0.001)
    monkeypatch.setattr(entrance, "_SECONDS_TO_BE_HEALTHY", 0.05)


def applying(double: AwsDouble, said: list[str]) -> Applying:
    session = AwsSession(Host("aws", "aws://eu-west-1"), SETTINGS)
    session.api = double  # type: ignore[assignment]  # the double answers what is asked here
    return Applying(session, Scope("shop", "dev"), said.append)


DOOR = AwsEntrance("aws", frozenset({"Web"}), {GROUP: ("Web", "http")})
AT = "[{'Id': '10.0.0.11', 'Port': 20001}]"


async def test_a_leaving_instance_is_waited_for_until_it_is_drained() -> None:
    double, said = AwsDouble("healthy", "draining", "draining", "unused"), list[str]()
    await DOOR.leave(Leaving((SERVER,), 30, returns=True), applying(double, said))
    assert double.done == ["add_tags", f"deregister_targets {AT}"]
    assert said == ["draining in AWS, for 30 s at most"]
    assert double.states == ["unused"]


async def test_the_wait_ends_with_the_time_of_the_service() -> None:
    double, said = AwsDouble("healthy", "draining"), list[str]()
    await DOOR.leave(Leaving((SERVER,), 0.01, returns=True), applying(double, said))
    assert double.states == ["draining"]


async def test_an_entering_instance_is_waited_for_until_it_is_healthy() -> None:
    double, said = AwsDouble("unused", "initial", "healthy"), list[str]()
    await DOOR.enter((SERVER,), applying(double, said))
    assert double.done == [f"register_targets {AT}", "remove_tags"]
    assert said == ["waiting until AWS finds it healthy"]


async def test_an_instance_that_aws_finds_unhealthy_stops_the_update_and_is_not_whole() -> None:
    double = AwsDouble("unused", "unhealthy")
    with pytest.raises(ApplyError) as refused:
        await DOOR.enter((SERVER,), applying(double, []))
    assert refused.value.what == "AWS sends no traffic to web-1: Health checks failed"
    assert "remove_tags" not in double.done  # the mark stays for the next run


async def test_servers_of_others_are_none_of_its_business() -> None:
    double = AwsDouble("healthy")
    other = BalancedServer("DB", "sql", "db-1", "10.0.0.12", 3306)
    await DOOR.leave(Leaving((other,), 30, returns=False), applying(double, []))
    await DOOR.enter((other,), applying(double, []))
    assert double.done == []
