"""Signs and opens statements: DSSE envelopes (https://github.com/secure-systems-lab/dsse) with their certificate."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate
from cryptography.x509.oid import NameOID
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from trellis.errors import ConfigError, NotAuthorisedError, TrellisError
from trellis.pki.identifying import fingerprint
from trellis.pki.model import Credentials, Use
from trellis.pki.pem import dump_certificates, load_certificates
from trellis.pki.revoking import Revoked
from trellis.pki.verifying import verify
from trellis.values import canonical


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose statements are believed.

    Attributes:
        authorities: PEM texts of the authorities that may issue the signer's certificate.
        revoked: certificates that were taken back.
        signer: the common name that the signer's certificate must have.
        where: the file that says so, for errors.
    """

    authorities: tuple[str, ...]
    revoked: tuple[Revoked, ...]
    signer: str
    where: str


def signed(payload: Mapping[str, object], payload_type: str, credentials: Credentials) -> str:
    """The statement, signed, as one JSON text."""
    certificate = credentials.certificate
    key = SSlibKey.from_crypto(certificate.public_key(), keyid=fingerprint(certificate))
    envelope = Envelope(canonical(payload).encode(), payload_type, {})
    envelope.sign(CryptoSigner(credentials.key, key))
    return json.dumps(envelope.to_dict() | {"certificates": dump_certificates(credentials.chain)}, indent=2) + "\n"


def unsafe_payload(text: str, where: str) -> dict[str, Any]:
    """What a statement says, before anybody has checked who says it.

    Raises:
        NotAuthorisedError: it is none.
    """
    try:
        payload = json.loads(Envelope.from_dict(_document(text)).payload)
    except Exception:  # noqa: BLE001 - whatever is wrong with a foreign text, it is no statement
        raise NotAuthorisedError("not a signed statement, or damaged", where=where) from None
    if not isinstance(payload, dict):
        raise NotAuthorisedError("not a signed statement, or damaged", where=where)
    return payload


def opened(text: str, payload_type: str, trust: Trust, now: datetime, where: str) -> dict[str, Any]:
    """What a statement says, when a trusted signer says it; anything else is refused.

    Raises:
        NotAuthorisedError: the text is damaged, the signature is not good, or the certificate is not trusted, expired,
            revoked, or another signer's.
    """
    payload = unsafe_payload(text, where)
    document = _document(text)
    if document.get("payloadType") != payload_type:
        raise NotAuthorisedError(f"a statement of another kind: {document.get('payloadType')!r}", where=where)
    leaf = _verified_chain(document, trust, now, where)
    envelope = Envelope.from_dict(document)
    try:
        envelope.verify([SSlibKey.from_crypto(leaf.public_key(), keyid=fingerprint(leaf))], 1)
    except (VerificationError, ValueError):
        raise NotAuthorisedError("the signature is not good: it was changed after it was signed", where=where) from None
    return payload


def _verified_chain(document: Mapping[str, Any], trust: Trust, now: datetime, where: str) -> Certificate:
    try:
        chain = load_certificates(str(document.get("certificates")), where)
    except ConfigError as fault:
        raise NotAuthorisedError(f"no certificate of the signer: {fault.what}", where=where) from None
    roots = [root for text in trust.authorities for root in load_certificates(text, trust.where)]
    try:
        leaf, *_ = verify(chain, roots, Use.SIGNING, now, revoked=trust.revoked)
    except TrellisError:
        raise
    except Exception as fault:  # noqa: BLE001 - a damaged certificate can fail anywhere, and must not be believed
        raise NotAuthorisedError(f"the signer's certificate is damaged: {fault}", where=where) from None
    if (signer := _common_name(leaf)) != trust.signer:
        raise NotAuthorisedError(f"signed by {signer!r}, not by {trust.signer!r}", where=where)
    return leaf


def _document(text: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError
    return document


def _common_name(certificate: Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""
