"""What the load balancers of a placed stack ask for."""

from collections.abc import Mapping

from trellis.certifying import CertificatePlace
from trellis.deployment import Deployment, Door, SiteAddress
from trellis.plugin.contracts import AnswersSites, Balancer, OffersEndpoints, UsesCertificates


def certificate_places(balancers: Mapping[str, Balancer], deployment: Deployment) -> tuple[CertificatePlace, ...]:
    """Where balancers want certificates, sorted by host and name."""
    using = (one for one in balancers.values() if isinstance(one, UsesCertificates))
    places = (place for one in using for place in one.certificate_places(deployment))
    return tuple(sorted(places, key=lambda place: (place.host, place.name)))


def doors(balancers: Mapping[str, Balancer], deployment: Deployment) -> tuple[Door, ...]:
    """Where balancers offer endpoints, sorted by host."""
    offering = (one for one in balancers.values() if isinstance(one, OffersEndpoints))
    found = (door for one in offering for door in one.doors(deployment))
    return tuple(sorted(found, key=lambda door: (door.host, door.service, door.endpoint)))


def site_addresses(balancers: Mapping[str, Balancer], deployment: Deployment) -> tuple[SiteAddress, ...]:
    """Where the stack's sites answer, sorted by URL."""
    answering = (one for one in balancers.values() if isinstance(one, AnswersSites))
    found = (address for one in answering for address in one.site_addresses(deployment))
    return tuple(sorted(found, key=lambda address: (address.url, str(address.answers))))
