"""What the load balancers of a placed stack ask for."""

from collections.abc import Mapping

from trellis.certifying import CertificatePlace
from trellis.deployment import Deployment
from trellis.plugin.contracts import Balancer, UsesCertificates


def certificate_places(balancers: Mapping[str, Balancer], deployment: Deployment) -> tuple[CertificatePlace, ...]:
    """Where balancers want certificates, sorted by host and name."""
    using = (one for one in balancers.values() if isinstance(one, UsesCertificates))
    places = (place for one in using for place in one.certificate_places(deployment))
    return tuple(sorted(places, key=lambda place: (place.host, place.name)))
