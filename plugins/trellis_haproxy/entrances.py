"""Where HAProxy takes a placed stack's traffic in: its instances, and those that are still to be removed; pure."""

from collections.abc import Sequence

from trellis.deployment import DeployedInstance, Deployment
from trellis.resources import Actual
from trellis_haproxy.config import render
from trellis_haproxy.desiring import KIND
from trellis_haproxy.entrance import HAProxyEntrance
from trellis_haproxy.routing import OURS, proxy_of, services_of
from trellis_haproxy.servers import lines_of


def entrances(deployment: Deployment, actuals: Sequence[Actual]) -> list[HAProxyEntrance]:
    """One for each HAProxy on a host that answered."""
    staying = [
        _entrance(proxy, deployment) for proxy in deployment.provided_by(OURS) if proxy.host.name in deployment.hosts
    ]
    known = {(one.host, one.name) for one in staying}
    going = [
        actual for actual in actuals if actual.key.kind == KIND and (actual.key.host, actual.key.name) not in known
    ]
    return [*staying, *(_leaving(actual, deployment) for actual in going)]


def _entrance(instance: DeployedInstance, deployment: Deployment) -> HAProxyEntrance:
    proxy = proxy_of(instance, deployment)
    name = f"{instance.service.name.lower()}-{instance.index}"
    lines = lines_of(render(proxy)[0])
    services = services_of(instance, deployment)
    return HAProxyEntrance(instance.host.name, name, instance.name, services, lines, (*proxy.ports, *proxy.tls_ports))


def _leaving(actual: Actual, deployment: Deployment) -> HAProxyEntrance:
    """It serves until it is removed, and gets nothing new."""
    name = actual.key.name
    container = f"{deployment.stack}-{deployment.environment}-{name}"
    return HAProxyEntrance(actual.key.host, name, container, frozenset(), {}, (), stays=False)
