"""What the load balancer needs to reach, from its subnets; pure."""

from trellis.deployment import Deployment
from trellis.firewall.needs import Need
from trellis_aws.desiring import serving_cloud
from trellis_aws.settings import NAME


def balancer_needs(deployment: Deployment) -> tuple[Need, ...]:
    """One for each site."""
    if serving_cloud(deployment) is None:
        return ()
    networks = tuple(deployment.facts[NAME].extra.get("networks", "").split())
    return tuple(
        Need(
            NAME, site.service, site.endpoint, f"{NAME} serves the site {site.domain}{site.path.rstrip('/')}", networks
        )
        for site in deployment.sites
    )
