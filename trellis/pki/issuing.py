"""Makes authorities and issues certificates from them; keys are EC P-256 (RFC 5480), signatures ECDSA with SHA-256.

The profile is that of RFC 5280 §4.2 as browsers hold it: basicConstraints and keyUsage critical, one extended key
usage, names in subjectAltName, key identifiers on both sides. The clock is given by the caller; keys and serial
numbers are random.
"""

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trellis.errors import UsageError
from trellis.pki.identifying import key_id, signing_digest
from trellis.pki.model import Credentials, Leaf, PrivateKey, PublicKey, Use

CLOCK_SKEW = timedelta(hours=1)
"""How far before now a certificate begins, for machines whose clock is behind."""

AUTHORITY_LIFETIME = timedelta(days=3650)
_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new private key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def create_authority(name: str, now: datetime, lifetime: timedelta = AUTHORITY_LIFETIME) -> Credentials:
    """A self-signed authority that may issue leaves and no further authority (pathLen 0).

    Args:
        name: its common name, ``Trellis shop/prod``.
        now: aware.
        lifetime: from now.
    """
    key, subject = new_key(), _named(name)
    builder = (
        _builder(subject, subject, key.public_key(), now, now + lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    return Credentials(builder.sign(key, SHA256()), key)


def issue(authority: Credentials, leaf: Leaf, now: datetime) -> Credentials:
    """A new key, and a certificate for it.

    Args:
        authority: what `create_authority` made or `pem` read; one that is no root itself goes along in the chain.
        leaf: what the certificate is to say.
        now: aware; the authority must be valid then.

    Raises:
        UsageError: the authority is not valid now, or the leaf asks for what no certificate can say.
    """
    key = new_key()
    certificate, *above = issue_for(authority, key.public_key(), leaf, now)
    return Credentials(certificate, key, tuple(above))


def issue_for(authority: Credentials, public_key: PublicKey, leaf: Leaf, now: datetime) -> tuple[x509.Certificate, ...]:
    """As `issue`, for a key that stays where it was made: the certificate and what leads to the root."""
    _refuse(authority, leaf, now)
    issuer = authority.certificate
    end = min(now + leaf.lifetime, issuer.not_valid_after_utc)
    builder = (
        _builder(_named(leaf.subject), issuer.subject, public_key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([leaf.use.value]), critical=leaf.use is Use.SIGNING)
        .add_extension(x509.AuthorityKeyIdentifier(key_id(issuer), None, None), critical=False)
    )
    if leaf.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(general_names(leaf.names)), critical=False)
    certificate = builder.sign(authority.key, signing_digest(authority.key))
    return (certificate,) if issuer.subject == issuer.issuer else (certificate, *authority.chain)


def signing_request(key: PrivateKey, names: Iterable[str]) -> bytes:
    """A request for a certificate with these names (PKCS #10, RFC 2986), as PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(general_names(names)), critical=False)
    return builder.sign(key, signing_digest(key)).public_bytes(Encoding.PEM)


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Names as subjectAltName has them: IP addresses as addresses, the rest as DNS names in ASCII.

    Raises:
        UsageError: a name is empty or not ASCII.
    """
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not name or not name.isascii():
        raise UsageError(f"{name!r} cannot stand in a certificate", hint="write it as browsers send it, xn--…")
    return x509.DNSName(name.lower())


def _refuse(authority: Credentials, leaf: Leaf, now: datetime) -> None:
    certificate = authority.certificate
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= now < end:
        raise UsageError(f"the authority is valid from {start:%Y-%m-%d} to {end:%Y-%m-%d} only", where=leaf.subject)
    if leaf.use is Use.SERVER and not leaf.names:
        raise UsageError("a certificate for a server needs a name", where=leaf.subject)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(common_name: str) -> x509.Name:
    if not common_name:
        raise UsageError("a certificate needs a common name")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_LONGEST_COMMON_NAME])])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
