"""What a certificate is asked to be, and a certificate with its key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

PrivateKey: TypeAlias = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey
PublicKey: TypeAlias = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey


class Use(Enum):
    """What a certificate is good for: its extended key usage (RFC 5280 §4.2.1.12). One certificate, one use."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
    SIGNING = ExtendedKeyUsageOID.CODE_SIGNING

    @property
    def noun(self) -> str:
        """How sentences name it: ``a server``, ``a client``, ``signing``."""
        return {"SERVER": "a server", "CLIENT": "a client", "SIGNING": "signing"}[self.name]


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate is to say.

    Attributes:
        subject: the common name: whom people read in lists.
        use: what it is good for.
        names: DNS names (also ``*.shop.example``) and IP addresses that it is valid for; a server needs one at least.
        lifetime: from now; the authority's own end comes first.
    """

    subject: str
    use: Use
    names: tuple[str, ...] = ()
    lifetime: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its private key.

    Attributes:
        certificate: the certificate itself.
        key: its key; never printed.
        above: the certificates that lead to a root, nearest first, without the root.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What a server sends: the certificate first."""
        return self.certificate, *self.above

    def ends(self) -> datetime:
        """When the first certificate of the chain ends, aware."""
        return min(certificate.not_valid_after_utc for certificate in self.chain)
