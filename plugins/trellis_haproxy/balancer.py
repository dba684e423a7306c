"""HAProxy as the engine's other plugins see it: where it wants certificates, and how it takes them."""

from collections.abc import Sequence

from trellis.certifying import CertificatePlace
from trellis.deployment import DeployedInstance, Deployment, Door, SiteAddress
from trellis.hosts import HostSession
from trellis.plugin.contracts import Entrance
from trellis.resources import Actual, Owner, ResourceKey
from trellis_haproxy.desiring import KIND
from trellis_haproxy.model import CERTIFICATES, CHALLENGES, ETC
from trellis_haproxy.names import checked_domain
from trellis_haproxy.routing import OURS, doors, is_behind, ports_of, site_addresses

NAME = "haproxy"


class HAProxyBalancer:
    """Satisfies `AnswersSites`, `UsesCertificates`, `DrainsServers`, `OffersEndpoints` and `RunsAsService`.

    They are in `trellis.plugin.contracts`.
    """

    name = NAME
    module = OURS

    def certificate_places(self, deployment: Deployment) -> Sequence[CertificatePlace]:
        """One for each HAProxy instance on a host that answered; none without a site over TLS."""
        groups = tuple(_names(site.domain, *site.aliases) for site in deployment.sites if site.tls)
        here = (
            one
            for one in deployment.provided_by(OURS)
            if one.host.name in deployment.hosts and not is_behind(one, deployment)
        )
        return tuple(_place(instance, groups, deployment) for instance in here) if groups else ()

    def doors(self, deployment: Deployment) -> Sequence[Door]:
        """Each balanced endpoint at each HAProxy instance."""
        return tuple(doors(deployment))

    def site_addresses(self, deployment: Deployment) -> Sequence[SiteAddress]:
        """Each site at each HAProxy instance that no other one stands in front of."""
        return tuple(site_addresses(deployment))

    def entrances(self, deployment: Deployment, actuals: Sequence[Actual]) -> Sequence[Entrance]:
        """One for each HAProxy instance on a host that answered, and for those that are still to be removed."""
        from trellis_haproxy.entrances import entrances

        return entrances(deployment, actuals)

    async def use_certificates(self, session: HostSession, container: str, changed: Sequence[str]) -> bool:
        """Tell the running worker; where that does not help, reload, and old workers finish what they do."""
        from trellis_haproxy.engine import engine_of

        async with engine_of(session) as engine:
            if not await engine.running(container):
                return False
            taken = [await engine.take(container, f"{ETC}/{CERTIFICATES}/{name}") for name in changed]
            if not taken or not all(taken):
                await engine.reload(container)
            return True


def _place(instance: DeployedInstance, groups: tuple[tuple[str, ...], ...], deployment: Deployment) -> CertificatePlace:
    host, service = instance.host.name, instance.service
    name = f"{service.name.lower()}-{instance.index}"
    folder = f"{deployment.folder(host)}/{name}/etc"
    return CertificatePlace(
        balancer=NAME,
        host=host,
        name=name,
        container=instance.name,
        folder=f"{folder}/{CERTIFICATES}",
        challenges=f"{folder}/{CHALLENGES}",
        ports=ports_of(service, tls=True),
        plain_ports=ports_of(service, tls=False),
        groups=groups,
        owner=Owner(instance.role, service.name, instance.index),
        config=ResourceKey(KIND, name, host),
        runs=ResourceKey("container", name, host),
    )


def _names(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(checked_domain(name, f"site {name!r}") for name in names))
