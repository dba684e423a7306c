"""What the controller keeps: the authority, the account, and each certificate with its key; all of it is secret."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from trellis.errors import ConfigError
from trellis.pki.identifying import names
from trellis.pki.model import Credentials
from trellis.pki.pem import dump_certificates, dump_key, load_credentials
from trellis.values import canonical
from trellis_dsl.secret import Secret

AUTHORITY = "authority"
"""The key under which Trellis's own authority is kept."""


def certificate_key(name: str) -> str:
    """The key under which a certificate is kept."""
    return f"certificate.{name}"


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate as it is kept.

    Attributes:
        credentials: chain and key.
        source: who issued it, a `Settings.source`.
        renew_at: when it is to be renewed, aware.
        advised: True when the authority itself named that time (RFC 9773).
    """

    credentials: Credentials
    source: str
    renew_at: datetime
    advised: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What it is valid for, sorted."""
        return names(self.credentials.certificate)

    def to_secret(self) -> Secret:
        """As it is kept."""
        value = {
            "chain": dump_certificates(self.credentials.chain),
            "key": dump_key(self.credentials.key).reveal(),
            "source": self.source,
            "renew_at": self.renew_at.isoformat(),
            "advised": self.advised,
        }
        return Secret(canonical(value))


def two_thirds(credentials: Credentials) -> datetime:
    """When two thirds of the lifetime have passed: when an authority that advises nothing is asked again."""
    start, end = credentials.certificate.not_valid_before_utc, credentials.ends()
    return (start + (end - start) * 2 / 3).replace(microsecond=0)


def kept_certificate(credentials: Credentials, source: str) -> KeptCertificate:
    """A certificate that was just issued."""
    return KeptCertificate(credentials, source, two_thirds(credentials))


def with_advice(kept: KeptCertificate, renew_at: datetime) -> KeptCertificate:
    """The same, to be renewed when its authority says."""
    return replace(kept, renew_at=renew_at, advised=True)


def read_certificate(text: Secret, name: str) -> KeptCertificate:
    """A kept certificate.

    Raises:
        ConfigError: it is not one.
    """
    where = f"what is kept as {certificate_key(name)}"
    try:
        value = json.loads(text.reveal())
        chain, key = str(value["chain"]), Secret(str(value["key"]))
        source, renew_at = str(value["source"]), datetime.fromisoformat(value["renew_at"])
        advised = bool(value["advised"])
    except (ValueError, KeyError, TypeError):
        problem = ConfigError("not readable", where=where, hint=f"trellis cert renew {name}")
    else:
        return KeptCertificate(load_credentials(chain, key, where), source, renew_at, advised)
    raise problem  # out here, so that it carries no error that holds the text


def read_authority(text: Secret) -> Credentials:
    """Trellis's own authority: one PEM text of its certificate and its key."""
    return load_credentials(text.reveal(), text, f"what is kept as {AUTHORITY}")
