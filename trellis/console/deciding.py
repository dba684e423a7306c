"""Decides who may read and run what; pure. Whatever is not plainly allowed is refused, and the refusal says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from cryptography import x509

from trellis.environments.model import OPERATIONS as KNOWN
from trellis.errors import TrellisError
from trellis.pki.identifying import fingerprint
from trellis.pki.verifying import title

PATH = "/publications/"
OPERATIONS = "/operations/"
AS_JSON = b"json"
"""The only query that there is: of an operation, whose output is then one JSON document."""

NOBODY: Mapping[str, Sequence[str]] = MappingProxyType({})
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
        query: as sent.
        certificate: what the client presented, DER; empty when nothing.
        body: whether one comes along.
    """

    method: str
    path: str
    certificate: bytes
    body: bool = False
    query: bytes = b""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered.

    Attributes:
        status: 200, 403 or 404.
        who: the certificate's name and fingerprint.
        why: of a refusal.
        operation: what is to be run; empty where publications are read.
    """

    status: int
    who: str
    why: str = ""
    operation: str = ""


def decide(
    asked: Asked, admits: Admits, environment: str, now: datetime, approved: Mapping[str, Sequence[str]] = NOBODY
) -> Decision:
    """Whether a request is answered: first who asks, then what for.

    Args:
        asked: the request.
        admits: tells which certificates are good.
        environment: whose console it is.
        now: aware.
        approved: names of clients to what they may run.
    """
    who, client, fault = _identified(asked, admits, now)
    if fault:
        return Decision(403, who, fault)
    if asked.path.startswith(OPERATIONS):
        return _operation(asked, who, environment, approved.get(client, ()))
    if asked.method not in _READING:
        return Decision(403, who, f"{asked.method[:20]} is refused: publications are only read here")
    if asked.body:
        return Decision(403, who, "a request with a body is refused: publications are only read here")
    if asked.path != f"{PATH}{environment}":
        return Decision(404, who, f"there is nothing here but {PATH}{environment}")
    return Decision(200, who)


def _operation(asked: Asked, who: str, environment: str, approved: Sequence[str]) -> Decision:
    """Whether an operation is run: it takes nothing from the client but its own name."""
    operation = asked.path.removeprefix(f"{OPERATIONS}{environment}/")
    if operation not in KNOWN:
        return Decision(404, who, f"there is no such operation; {OPERATIONS}{environment}/ has {', '.join(KNOWN)}")
    if operation not in approved:
        return Decision(403, who, f"not approved to run {operation} on {environment}")
    if asked.method != "POST":
        return Decision(403, who, f"{asked.method[:20]} is refused: an operation is run with POST")
    if asked.body or asked.query not in {b"", AS_JSON}:
        return Decision(403, who, "an operation takes no body, and no query but json")
    return Decision(200, who, operation=operation)


def _identified(asked: Asked, admits: Admits, now: datetime) -> tuple[str, str, str]:
    """Who asks, as told and by the client's name, and why they are refused; empty when they are not."""
    if not asked.certificate:
        return "nobody", "", "no certificate was presented"
    try:
        certificate = x509.load_der_x509_certificate(asked.certificate)
        who = f"{title(certificate)[:_LONGEST]}, SHA-256 {fingerprint(certificate)[:16]}"
    except Exception:  # noqa: BLE001 - a damaged certificate can fail anywhere, and must not be believed
        return "somebody", "", "the certificate is damaged"
    try:
        admits.check(certificate, now)
    except TrellisError as refused:
        return who, "", refused.what[: 2 * _LONGEST]
    except Exception:  # noqa: BLE001 - same
        return who, "", "the certificate is damaged"
    return who, title(certificate).removeprefix("certificate "), ""
