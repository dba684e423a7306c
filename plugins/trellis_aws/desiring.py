"""The `aws-balancer` resource of a placed stack; pure."""

from trellis.deployment import Deployment
from trellis.hosts import Host
from trellis.placing.naming import short_name
from trellis.resources import Resource, ResourceKey
from trellis_aws.model import KIND
from trellis_aws.routing import balancer_for
from trellis_aws.settings import NAME, SERVES, settings_of


def serving_cloud(deployment: Deployment) -> Host | None:
    """The region, where the stack has sites that AWS is to serve."""
    cloud = deployment.clouds.get(NAME)
    return cloud if cloud and deployment.sites and cloud.options.get(SERVES) == "yes" else None


def balancer_key(deployment: Deployment) -> ResourceKey:
    """Of the one balancer that an environment has."""
    return ResourceKey(KIND, f"{deployment.stack}-{deployment.environment}", NAME)


def balancer_resources(deployment: Deployment) -> tuple[Resource, ...]:
    """One; none without sites.

    Raises:
        StackError: the stack asks for what AWS's load balancer cannot do.
    """
    cloud = serving_cloud(deployment)
    if cloud is None:
        return ()
    wanted = balancer_for(deployment, settings_of(cloud, deployment.environment))
    serving = {site.service for site in deployment.sites}
    after = tuple(
        ResourceKey("container", short_name(one.service.name, one.index), one.host.name)
        for one in deployment.instances
        if one.service.name in serving
    )
    return (Resource(balancer_key(deployment), wanted.as_spec(), after=after),)
