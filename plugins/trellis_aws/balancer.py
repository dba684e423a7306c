"""AWS's load balancer as the engine sees it: where it takes traffic in, and certificates."""

from collections.abc import Sequence

from trellis.certifying import CertificatePlace
from trellis.deployment import DeployedSite, Deployment, HostAddress, SiteAddress
from trellis.hosts import HostSession
from trellis.plugin.contracts import Entrance
from trellis.resources import Actual, Owner
from trellis_aws.certificates import PLACE
from trellis_aws.desiring import balancer_key, serving_cloud
from trellis_aws.model import KIND
from trellis_aws.names import group_name
from trellis_aws.settings import NAME, Settings, settings_of


class AwsBalancer:
    """Satisfies `AnswersSites`, `UsesCertificates` and `DrainsServers` of `trellis.plugin.contracts`."""

    name = NAME

    def certificate_places(self, deployment: Deployment) -> Sequence[CertificatePlace]:
        """The certificate manager of the region, unless the environment names a certificate for all sites."""
        cloud = serving_cloud(deployment)
        groups = tuple(tuple(dict.fromkeys((site.domain, *site.aliases))) for site in deployment.sites if site.tls)
        if cloud is None or not groups or settings_of(cloud, deployment.environment).certificate:
            return ()
        key = balancer_key(deployment)
        return (
            CertificatePlace(
                balancer=NAME,
                host=cloud.name,
                name=PLACE,
                container="",
                folder="",
                challenges="",
                ports=(),
                plain_ports=(),
                groups=groups,
                owner=Owner(),
                config=key,
                runs=key,
            ),
        )

    async def use_certificates(self, session: HostSession, container: str, changed: Sequence[str]) -> bool:  # noqa: ARG002 - the contract's
        """The listener takes what the certificate manager has; nobody has to tell it."""
        return True

    def site_addresses(self, deployment: Deployment) -> Sequence[SiteAddress]:
        """Each site at the load balancer's own name, to which the site's is to lead; none before it is made."""
        cloud = serving_cloud(deployment)
        name = deployment.facts[NAME].extra.get("dns", "") if cloud else ""
        if cloud is None or not name:
            return ()
        settings = settings_of(cloud, deployment.environment)
        return tuple(_address(site, name, settings) for site in deployment.sites)

    def entrances(self, deployment: Deployment, actuals: Sequence[Actual]) -> Sequence[Entrance]:
        """The load balancer, while there is one."""
        from trellis_aws.entrance import AwsEntrance

        serving = serving_cloud(deployment) is not None
        if not serving and not any(actual.key.kind == KIND for actual in actuals):
            return ()
        sites = deployment.sites if serving else ()
        groups = {
            group_name(deployment.stack, deployment.environment, site.name): (site.service, site.endpoint)
            for site in sites
        }
        return (AwsEntrance(NAME, frozenset(site.service for site in sites), groups),)


def _address(site: DeployedSite, balancer: str, settings: Settings) -> SiteAddress:
    scheme, port, usual = ("https", settings.https_port, 443) if site.tls else ("http", settings.http_port, 80)
    url = f"{scheme}://{site.domain}{'' if port == usual else f':{port}'}{site.path}"
    return SiteAddress(url, site.service, HostAddress(balancer, port))
