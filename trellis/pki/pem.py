"""Certificates and keys from and to PEM (RFC 7468); keys are `Secret` whenever they are text."""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from trellis.errors import ConfigError
from trellis.pki.model import Credentials, PrivateKey
from trellis_dsl.secret import Secret


def load_certificates(text: str, where: str) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM text, in its order; other blocks are skipped.

    Raises:
        ConfigError: there is none, or one is damaged.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(text.encode()))
    except ValueError:
        hint = "it must start with -----BEGIN CERTIFICATE-----"
        raise ConfigError("holds no certificate that can be read", where=where, hint=hint) from None


def load_key(text: Secret, where: str) -> PrivateKey:
    """The private key of a PEM text.

    Raises:
        ConfigError: there is none, it is encrypted, or of a kind that no certificate here may have.
    """
    try:
        key = load_pem_private_key(text.reveal().encode(), None)
    except TypeError:
        what, hint = "the key is encrypted", "decrypt it: openssl pkey -in FILE -out FILE.clear; then remove that file"
    except (ValueError, UnsupportedAlgorithm):
        what, hint = "holds no private key that can be read", "it must start with -----BEGIN PRIVATE KEY-----"
    else:
        if isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey):
            return key
        what, hint = f"{type(key).__name__} is not a kind of key to use", "make one of EC P-256 or RSA 3072"
    raise ConfigError(what, where=where, hint=hint)  # out here, so that it carries no error that holds the text


def load_credentials(chain: str, key: Secret, where: str) -> Credentials:
    """A chain, the certificate first, and its key; `verifying.check_key` tells whether they belong together."""
    certificate, *above = load_certificates(chain, where)
    return Credentials(certificate, load_key(key, where), tuple(above))


def dump_certificates(certificates: Iterable[x509.Certificate]) -> str:
    """PEM, one block after the other."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def dump_key(key: PrivateKey) -> Secret:
    """PKCS #8 (RFC 5958), not encrypted."""
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def bundle(credentials: Credentials) -> Secret:
    """The key and the chain in one text, as HAProxy's ``crt`` takes it."""
    return Secret(dump_certificates(credentials.chain) + dump_key(credentials.key).reveal())


def without_root(certificates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """A chain without a self-signed certificate at its end, which no client takes from a server (RFC 8446 §4.4.2)."""
    *lower, last = certificates
    return tuple(lower) if lower and last.subject == last.issuer else tuple(certificates)
