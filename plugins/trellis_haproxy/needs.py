"""What proxies need to reach: the endpoints that answer sites, and those that they offer; pure."""

from collections.abc import Iterator

from trellis.deployment import Deployment
from trellis.firewall.needs import Need
from trellis_haproxy.routing import OURS, offered


def proxy_needs(deployment: Deployment) -> tuple[Need, ...]:
    """One for each proxy service and each site, and each endpoint that it offers or asks whether it may."""
    proxies = sorted({instance.service.name for instance in deployment.provided_by(OURS)})
    return tuple(need for proxy in proxies for need in (*_sites(proxy, deployment), *_offered(proxy, deployment)))


def _sites(proxy: str, deployment: Deployment) -> Iterator[Need]:
    for site in deployment.sites:
        yield Need(proxy, site.service, site.endpoint, f"{proxy} serves the site {site.domain}{site.path.rstrip('/')}")


def _offered(proxy: str, deployment: Deployment) -> Iterator[Need]:
    for service, endpoint in offered(deployment):
        name = f"{service.name}.{endpoint.name}"
        yield Need(proxy, service.name, endpoint.name, f"{proxy} offers {name}")
        asked = endpoint.balanced.check_port if endpoint.balanced else 0
        for other in service.endpoints:
            if asked and other.port == asked and other is not endpoint:
                yield Need(proxy, service.name, other.name, f"{proxy} asks whether {name} may get connections")
