"""What tells certificates and keys apart: fingerprints, key identifiers, names."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from trellis.pki.model import PrivateKey


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, in hex, as openssl and browsers show it."""
    return certificate.fingerprint(SHA256()).hex()


def serial(certificate: x509.Certificate) -> str:
    """The serial number in hex, as openssl and HAProxy show it."""
    text = f"{certificate.serial_number:X}"
    return text if len(text) % 2 == 0 else f"0{text}"


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and IP addresses that it is valid for, sorted; common names do not count (RFC 9525 §2)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return tuple(sorted([*found.get_values_for_type(x509.DNSName), *addresses]))


def key_id(certificate: x509.Certificate) -> bytes:
    """What the certificates that it issued say in authorityKeyIdentifier (RFC 5280 §4.2.1.1)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def issuer_key_id(certificate: x509.Certificate) -> bytes:
    """Who issued it, by authorityKeyIdentifier; empty where it says nothing, as roots may."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return b""
    return found.key_identifier or b""


def signing_digest(key: PrivateKey) -> SHA256 | None:
    """The digest to sign with; Ed25519 brings its own (RFC 8410)."""
    return None if isinstance(key, Ed25519PrivateKey) else SHA256()
