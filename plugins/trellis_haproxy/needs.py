"""What proxies need to reach: the endpoints that answer sites; pure."""

from trellis.deployment import Deployment
from trellis.firewall.needs import Need


def site_needs(deployment: Deployment) -> tuple[Need, ...]:
    """One for each proxy service and each site."""
    proxies = sorted({instance.service.name for instance in deployment.provided_by("trellis_haproxy")})
    return tuple(
        Need(proxy, site.service, site.endpoint, f"{proxy} serves the site {site.domain}{site.path.rstrip('/')}")
        for proxy in proxies
        for site in deployment.sites
    )
