"""AWS, as far as it can be had without an account: moto's server, which takes the real SDK's calls over HTTP."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import boto3

REGION = "eu-west-1"
ACCOUNT = {"AWS_ACCESS_KEY_ID": "AKIAPLANTED", "AWS_SECRET_ACCESS_KEY": "planted-Qk4-secret"}


@dataclass(frozen=True)
class AwsDouble:
    """A running server, and clients for looking behind Trellis's back."""

    url: str
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls) -> "AwsDouble":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert process.poll() is None, "moto's server ended"
                time.sleep(0.1)
            else:
                return cls(f"http://127.0.0.1:{port}", process)
        process.kill()
        raise AssertionError("moto's server does not answer")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def client(self, service: str) -> Any:
        keys = {key.lower(): value for key, value in ACCOUNT.items()}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **keys)

    def network(self, block: str) -> dict[str, str]:
        """A VPC with two subnets and a security group, as the balancer section of an environment names them."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        first, second = block.removesuffix("0.0/16") + "1.0/24", block.removesuffix("0.0/16") + "2.0/24"
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=part, AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for part, zone in ((first, "a"), (second, "b"))
        ]
        group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
        return {"subnets": f"[{', '.join(subnets)}]", "security_groups": f"[{group}]"}

    def balancers(self) -> dict[str, dict[str, Any]]:
        found = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        return {one["LoadBalancerName"]: one for one in found}

    def rules(self, balancer: str, port: int) -> list[dict[str, Any]]:
        """The rules of a listener in their order, without the default one."""
        elb = self.client("elbv2")
        listeners = elb.describe_listeners(LoadBalancerArn=self.balancers()[balancer]["LoadBalancerArn"])["Listeners"]
        arn = next(one["ListenerArn"] for one in listeners if one["Port"] == port)
        rules = [one for one in elb.describe_rules(ListenerArn=arn)["Rules"] if not one["IsDefault"]]
        return sorted(rules, key=lambda one: int(one["Priority"]))

    def targets(self, site: str) -> set[tuple[str, int]]:
        """What is registered for a site, in whichever group it is."""
        elb, found = self.client("elbv2"), set()
        for group in elb.describe_target_groups()["TargetGroups"]:
            arn = group["TargetGroupArn"]
            tags = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
            if {"Key": "io.trellis.site", "Value": site} in tags:
                healths = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
                found |= {(one["Target"]["Id"], one["Target"]["Port"]) for one in healths}
        return found
