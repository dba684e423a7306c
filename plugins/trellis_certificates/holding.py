"""Certificates in places that keep them for their own balancers, as a cloud does."""

from typing import TYPE_CHECKING

from trellis.errors import ApplyError
from trellis.plans import Step
from trellis.plugin.contracts import Applying, HeldCertificate, HoldsCertificates
from trellis.resources import Actual, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates.asking import NOTHING
from trellis_certificates.deciding import MODE
from trellis_certificates.model import CERTIFICATE, CertificateSpec, plain

if TYPE_CHECKING:  # cryptography takes long to import
    from trellis.pki.model import Credentials


def held_actual(held: HeldCertificate, host: str) -> Actual:
    """A held certificate as the same resource that a file is; pure."""
    spec = CertificateSpec(
        name=held.name,
        names=held.names,
        path="",
        fingerprint=held.put,
        ends=held.ends,
        due="",
        source="",
        issuer="",
        balancer=host,
        container="",
        ports=(),
        settings={},
    )
    state = {
        "sha256": held.fingerprint,
        "written": held.put,
        "mode": MODE,
        "fingerprint": held.fingerprint,
        "ends": held.ends,
        "served": held.fingerprint if held.used else NOTHING,
        "unfinished": not held.put,
    }
    return Actual(
        ResourceKey(CERTIFICATE, f"{held.place}/{held.name}", host), freeze_mapping(plain(spec)), freeze_mapping(state)
    )


async def hold(step: Step, applying: Applying, name: str, credentials: "Credentials") -> None:
    """Give it to the place.

    Raises:
        ApplyError: the place takes none, or not this one.
    """
    await _place(step, applying).hold_certificate(applying.scope, name, credentials)


async def drop(step: Step, applying: Applying) -> None:
    """Have the place keep it no longer. Raises `ApplyError`."""
    await _place(step, applying).drop_certificate(applying.scope, step.key.name.partition("/")[2])


def _place(step: Step, applying: Applying) -> HoldsCertificates:
    if not isinstance(applying.session, HoldsCertificates):
        raise ApplyError("nothing there keeps certificates", where=str(step.key), hint="see: trellis plugins")
    return applying.session
