"""Which addresses are in the VPC of the load balancer."""

import ipaddress
from collections.abc import Iterable

from trellis.errors import ApplyError
from trellis_aws.api import Api
from trellis_aws.model import Target
from trellis_aws.settings import Settings


async def vpc_of(api: Api, settings: Settings) -> tuple[str, tuple[ipaddress.IPv4Network, ...]]:
    """The VPC of the subnets, and its networks.

    Raises:
        ApplyError: the subnets are not in one.
    """
    answer = await api.call("ec2", "describe_subnets", SubnetIds=list(settings.subnets))
    found = sorted({one["VpcId"] for one in answer["Subnets"]})
    if len(found) != 1:
        raise ApplyError(
            f"the subnets are in {len(found)} VPCs: {', '.join(found)}",
            where="balancer.subnets",
            hint="name subnets of one VPC in the environment's balancer",
        )
    described = (await api.call("ec2", "describe_vpcs", VpcIds=found))["Vpcs"][0]
    blocks = {described["CidrBlock"], *(one["CidrBlock"] for one in described.get("CidrBlockAssociationSet", ()))}
    return found[0], tuple(ipaddress.IPv4Network(block) for block in sorted(blocks))


def among(targets: Iterable[Target], networks: Iterable[ipaddress.IPv4Network]) -> dict[str, bool]:
    """Whether each target's address is in one of the networks; pure."""
    every = tuple(networks)
    return {one.address: any(ipaddress.IPv4Address(one.address) in each for each in every) for one in targets}


async def inside(api: Api, settings: Settings, targets: Iterable[Target]) -> dict[str, bool]:
    """Whether each target's address is in the load balancer's VPC."""
    _, networks = await vpc_of(api, settings)
    return among(targets, networks)
