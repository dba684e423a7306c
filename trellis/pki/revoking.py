"""Certificates taken back: as data that is kept, and as a revocation list (RFC 5280 §5) that others read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trellis.errors import ConfigError
from trellis.pki.identifying import issuer_key_id, key_id, serial, signing_digest
from trellis.pki.model import Credentials

_REASONS = {reason.value: reason for reason in x509.ReasonFlags if reason is not x509.ReasonFlags.remove_from_crl}


@dataclass(frozen=True, slots=True, order=True)
class Revoked:
    """One certificate that was taken back.

    Attributes:
        issuer: the key identifier of who issued it, in hex.
        serial: its serial number, in hex.
        at: when, aware.
        reason: of RFC 5280 §5.3.1, ``keyCompromise``.
    """

    issuer: str
    serial: str
    at: datetime
    reason: str = x509.ReasonFlags.unspecified.value

    def to_data(self) -> dict[str, str]:
        """As it is kept, in JSON or YAML."""
        return {"issuer": self.issuer, "serial": self.serial, "at": self.at.isoformat(), "reason": self.reason}


def revoked(certificate: x509.Certificate, at: datetime, reason: str = "unspecified") -> Revoked:
    """The entry that takes a certificate back."""
    return Revoked(issuer_key_id(certificate).hex(), serial(certificate), at, _known(reason, ""))


def from_data(entry: Mapping[str, object], where: str) -> Revoked:
    """An entry as `Revoked.to_data` wrote it.

    Raises:
        ConfigError: it is none. An entry that cannot be read is never skipped: its certificate would be good again.
    """
    try:
        issuer, number = bytes.fromhex(str(entry["issuer"])).hex(), str(entry["serial"]).upper()
        int(number, 16)
        at = datetime.fromisoformat(str(entry["at"]))
    except (KeyError, ValueError) as fault:
        raise ConfigError(f"not a revoked certificate: {fault}", where=where) from None
    if at.tzinfo is None:
        raise ConfigError("not a revoked certificate: the time lacks its zone", where=where)
    return Revoked(issuer, number, at, _known(str(entry.get("reason", "unspecified")), where))


def is_revoked(certificate: x509.Certificate, entries: Iterable[Revoked]) -> bool:
    """Whether an entry takes this certificate back."""
    own = issuer_key_id(certificate).hex(), serial(certificate)
    return any((entry.issuer, entry.serial) == own for entry in entries)


def revocation_list(
    authority: Credentials, entries: Iterable[Revoked], now: datetime, lifetime: timedelta = timedelta(days=7)
) -> str:
    """A signed list of what this authority took back, as PEM; entries of other issuers are left out."""
    own = key_id(authority.certificate)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + lifetime)
        .add_extension(x509.AuthorityKeyIdentifier(own, None, None), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for entry in sorted(entries):
        if entry.issuer == own.hex():
            builder = builder.add_revoked_certificate(_listed(entry))
    return builder.sign(authority.key, signing_digest(authority.key)).public_bytes(Encoding.PEM).decode()


def _listed(entry: Revoked) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder().serial_number(int(entry.serial, 16)).revocation_date(entry.at)
    reason = _REASONS[entry.reason]
    if reason is not x509.ReasonFlags.unspecified:  # which should be left out, RFC 5280 §5.3.1
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()


def _known(reason: str, where: str) -> str:
    if reason not in _REASONS:
        raise ConfigError(f"{reason!r} is not a reason to revoke", where=where, hint=f"use {', '.join(_REASONS)}")
    return reason
