"""The `certificate` and `acme-answers` resources of a placed stack.

Pure but for the issuer ``files``, whose files are read as those of a role are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trellis.certifying import CertificatePlace, Certifying
from trellis.errors import ConfigError
from trellis.resources import Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates.model import ANSWERS, CERTIFICATE, AnswersSpec, CertificateSpec, plain
from trellis_certificates.settings import Settings, read_settings, refuse_without_extra
from trellis_certificates.wanted import Wanted, wanted_certificates

if TYPE_CHECKING:
    from trellis.deployment import Deployment
    from trellis.pki.model import Credentials


def certificate_resources(deployment: "Deployment") -> tuple[Resource, ...]:
    """One `certificate` for each place and certificate; with an ACME issuer, one `acme-answers` for each place.

    Raises:
        ConfigError: the environment's ``certificates`` are at fault, or a file of the user is refused.
    """
    certifying = deployment.certifying
    if certifying is None or not certifying.places:
        return ()
    settings = read_settings(certifying.settings, deployment.environment, certifying.root)
    if settings.directory:
        refuse_without_extra(deployment.environment)
        _refuse_the_mute(certifying.places, deployment.environment)
    wanted = wanted_certificates(group for place in certifying.places for group in place.groups)
    states = {one.name: _state(one, settings, certifying) for one in wanted}
    pairs = [(place, one) for place in certifying.places for one in wanted if _serves(place, one)]
    found = [_certificate(place, one, states[one.name], settings, certifying.places) for place, one in pairs]
    if settings.directory:
        found += [_answers(place, settings, certifying) for place in certifying.places]
    return tuple(found)


def _refuse_the_mute(places: Iterable[CertificatePlace], environment: str) -> None:
    """Refuse an authority that asks what a balancer cannot answer. Raises `ConfigError`."""
    for place in (place for place in places if not place.challenges):
        raise ConfigError(
            f"the balancer {place.balancer} cannot answer the challenges of an ACME authority",
            where=f"environments/{environment}.yaml: certificates.issuer",
            hint="use the issuer internal or files, or name a certificate that the balancer has",
        )


@dataclass(frozen=True, slots=True)
class State:
    """How a certificate stands: what should be on the hosts, and why another one is to be issued."""

    fingerprint: str = ""
    ends: str = ""
    due: str = ""


def _state(wanted: Wanted, settings: Settings, certifying: Certifying) -> State:
    """As it is kept, or as the user brought it."""
    from trellis_certificates.brought import brought, refuse_key_in
    from trellis_certificates.due import why_due
    from trellis_certificates.kept import AUTHORITY, certificate_key, read_authority, read_certificate

    if settings.issuer == "files":
        refuse_key_in(certifying.root, settings)
        return _of(brought(settings, wanted, certifying.now))
    text, root = certifying.kept.get(certificate_key(wanted.name)), certifying.kept.get(AUTHORITY)
    kept = read_certificate(text, wanted.name) if text else None
    due = why_due(kept, wanted, settings, read_authority(root) if root else None, certifying.now)
    return _of(kept.credentials, due) if kept else State(due=due)


def _of(credentials: "Credentials", due: str = "") -> State:
    from trellis.pki.identifying import fingerprint

    return State(fingerprint(credentials.certificate), credentials.ends().isoformat(), due)


def _serves(place: CertificatePlace, wanted: Wanted) -> bool:
    return any(name in wanted.names for group in place.groups for name in group)


def _certificate(
    place: CertificatePlace, wanted: Wanted, state: State, settings: Settings, places: Iterable[CertificatePlace]
) -> Resource:
    spec = CertificateSpec(
        name=wanted.name,
        names=wanted.names,
        path=f"{place.folder}/{wanted.name}.pem" if place.folder else "",
        fingerprint=state.fingerprint,
        ends=state.ends,
        due=state.due,
        source=settings.source,
        issuer=settings.title,
        balancer=place.balancer,
        container=place.container,
        ports=place.ports,
        settings=settings.as_found(),
    )
    ordered = bool(settings.directory and state.due)
    return Resource(
        ResourceKey(CERTIFICATE, f"{place.name}/{wanted.name}", place.host),
        freeze_mapping(plain(spec)),
        place.owner,
        requires=_before_an_order(wanted, places) if ordered else (),
        required_by=() if ordered else (place.config, place.runs),
    )


def _before_an_order(wanted: Wanted, places: Iterable[CertificatePlace]) -> tuple[ResourceKey, ...]:
    """An authority may ask any balancer of the site, so all of them run and have the answer before it is asked."""
    serving = [place for place in places if _serves(place, wanted)]
    return tuple(sorted(key for place in serving for key in (place.config, place.runs, _answers_key(place))))


def _answers_key(place: CertificatePlace) -> ResourceKey:
    return ResourceKey(ANSWERS, place.name, place.host)


def _answers(place: CertificatePlace, settings: Settings, certifying: Certifying) -> Resource:
    spec = AnswersSpec(
        path=place.challenges,
        thumbprint=_thumbprint(settings, certifying),
        directory=settings.directory,
        name=place.groups[0][0],
        balancer=place.balancer,
        container=place.container,
        ports=place.plain_ports,
    )
    return Resource(_answers_key(place), freeze_mapping(plain(spec)), place.owner, requires=(place.config, place.runs))


def _thumbprint(settings: Settings, certifying: Certifying) -> str:
    from trellis_certificates.account import account_key, read_account, thumbprint

    text = certifying.kept.get(account_key(settings.directory))
    return thumbprint(read_account(text, settings.directory).key) if text else ""
