"""An AWS load balancer (Elastic Load Balancing v2) in front of a stack's sites, in place of a service of the stack."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from pathlib import Path

    from trellis.deployment import Deployment
    from trellis.environments.model import Environment
    from trellis.firewall.needs import Need
    from trellis.hosts import Host
    from trellis.plugin.contracts import Balancer, Connector, Provider
    from trellis.resources import Resource

__all__ = [
    "trellis_balancers",
    "trellis_check",
    "trellis_clouds",
    "trellis_connections",
    "trellis_connectors",
    "trellis_providers",
    "trellis_resources",
]


@hookimpl
def trellis_connectors() -> "Sequence[Connector]":
    """The connector for ``aws://REGION``."""
    from trellis_aws.connecting import AwsConnector

    return (AwsConnector(),)


@hookimpl
def trellis_clouds(environment: "Environment") -> "Sequence[Host]":
    """The region, where the environment's balancer is ``aws``."""
    from trellis_aws.settings import cloud_of

    return cloud_of(environment)


@hookimpl
def trellis_check(environment: "Environment", root: "Path") -> Sequence[str]:  # noqa: ARG001 - needs no file
    """The environment's ``balancer`` makes sense, and what it needs is installed."""
    from trellis_aws.settings import NAME, read_settings, refuse_without_extra

    if environment.balancer.provider == NAME:
        read_settings(environment.balancer.options, environment.name)
        refuse_without_extra(environment.name)
    return ()


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of `aws-balancer` resources."""
    from trellis_aws.provider import AwsProvider

    return (AwsProvider(),)


@hookimpl
def trellis_balancers() -> "Sequence[Balancer]":
    """The application load balancer."""
    from trellis_aws.balancer import AwsBalancer

    return (AwsBalancer(),)


@hookimpl
def trellis_resources(deployment: "Deployment") -> "Sequence[Resource]":
    """One `aws-balancer` for a stack with sites."""
    from trellis_aws.desiring import balancer_resources

    return balancer_resources(deployment)


@hookimpl
def trellis_connections(deployment: "Deployment") -> "Sequence[Need]":
    """The load balancer needs to reach what answers the stack's sites, from its subnets."""
    from trellis_aws.needs import balancer_needs

    return balancer_needs(deployment)
