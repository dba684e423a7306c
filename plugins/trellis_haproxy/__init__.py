"""HAProxy in front of a stack's sites: the service class for stacks, and the provider of its configuration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl
from trellis_haproxy.service import HAProxy

if TYPE_CHECKING:  # stacks import this module, and pay for no more than the class
    from trellis.deployment import Deployment
    from trellis.firewall.needs import Need
    from trellis.plugin.contracts import Balancer, Provider
    from trellis.resources import Resource

__all__ = ["HAProxy", "trellis_balancers", "trellis_connections", "trellis_providers", "trellis_resources"]


@hookimpl
def trellis_providers() -> "Sequence[Provider]":
    """The provider of `haproxy-config` resources."""
    from trellis_haproxy.provider import HAProxyProvider

    return (HAProxyProvider(),)


@hookimpl
def trellis_balancers() -> "Sequence[Balancer]":
    """HAProxy, which ends TLS."""
    from trellis_haproxy.balancer import HAProxyBalancer

    return (HAProxyBalancer(),)


@hookimpl
def trellis_resources(deployment: "Deployment") -> "Sequence[Resource]":
    """One `haproxy-config` for each HAProxy instance on a host that answered."""
    from trellis_haproxy.desiring import proxy_configs

    return proxy_configs(deployment)


@hookimpl
def trellis_connections(deployment: "Deployment") -> "Sequence[Need]":
    """Every proxy needs to reach what answers the stack's sites, and the endpoints that it offers."""
    from trellis_haproxy.needs import proxy_needs

    return proxy_needs(deployment)
