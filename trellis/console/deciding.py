"""Decides who may read what; pure. Whatever is not plainly allowed is refused, and the refusal says why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from trellis.errors import TrellisError
from trellis.pki.identifying import fingerprint
from trellis.pki.verifying import title

PATH = "/publications/"
_READING = ("GET", "HEAD")
_LONGEST = 200


class Admits(Protocol):
    """Tells which certificates are good."""

    def check(self, certificate: x509.Certificate, now: datetime) -> None:
        """Raise `TrellisError` unless it is good now."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        method: as sent.
        path: as sent, not decoded, without a query.
        certificate: what the client presented, DER; empty when nothing.
        body: whether one comes along.
    """

    method: str
    path: str
    certificate: bytes
    body: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered.

    Attributes:
        status: 200, 403 or 404.
        who: the certificate's name and fingerprint.
        why: of a refusal.
    """

    status: int
    who: str
    why: str = ""


def decide(asked: Asked, admits: Admits, environment: str, now: datetime) -> Decision:
    """Whether a request is answered: first who asks, then what for."""
    who, fault = _identified(asked, admits, now)
    if fault:
        return Decision(403, who, fault)
    if asked.method not in _READING:
        return Decision(403, who, f"{asked.method[:20]} is refused: publications are only read here")
    if asked.body:
        return Decision(403, who, "a request with a body is refused: publications are only read here")
    if asked.path != f"{PATH}{environment}":
        return Decision(404, who, f"there is nothing here but {PATH}{environment}")
    return Decision(200, who)


def _identified(asked: Asked, admits: Admits, now: datetime) -> tuple[str, str]:
    """Who asks, and why they are refused; empty when they are not."""
    if not asked.certificate:
        return "nobody", "no certificate was presented"
    try:
        certificate = x509.load_der_x509_certificate(asked.certificate)
        who = f"{title(certificate)[:_LONGEST]}, SHA-256 {fingerprint(certificate)[:16]}"
    except Exception:  # noqa: BLE001 - a damaged certificate can fail anywhere, and must not be believed
        return "somebody", "the certificate is damaged"
    try:
        admits.check(certificate, now)
    except TrellisError as refused:
        return who, refused.what[: 2 * _LONGEST]
    except Exception:  # noqa: BLE001 - same
        return who, "the certificate is damaged"
    return who, ""
