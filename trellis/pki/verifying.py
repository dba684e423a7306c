"""Checks certificates, fail-closed: what is not proven good is refused, with the reason.

Paths are validated by `cryptography` (RFC 5280 §6 with the profile of browsers); before it is asked, the usual faults
are looked for one by one, because their sentences help more than its own.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from trellis.pki.errors import UntrustedError
from trellis.pki.identifying import names
from trellis.pki.issuing import general_names
from trellis.pki.model import Credentials, Use
from trellis.pki.revoking import Revoked, is_revoked

_SMALLEST_RSA = 2048  # bits, NIST SP 800-57 part 1, table 2
_CURVES = (SECP256R1, SECP384R1, SECP521R1)


def verify(
    chain: Sequence[x509.Certificate],
    roots: Iterable[x509.Certificate],
    use: Use,
    now: datetime,
    *,
    for_names: Iterable[str] = (),
    revoked: Sequence[Revoked] = (),
) -> tuple[x509.Certificate, ...]:
    """Refuse a certificate unless it is good for this use, now, for every name, and leads to one of the roots.

    Args:
        chain: the certificate first; what may lead to a root, in any order.
        roots: whom to trust; none trusts nobody.
        use: what it is asked to be good for.
        now: aware.
        for_names: DNS names and IP addresses that a server's certificate must be valid for; at least one for a server.
        revoked: what was taken back, of any issuer in the path.

    Returns:
        the path, from the certificate to its root.

    Raises:
        UntrustedError: it is not good, and why.
    """
    leaf = _first(chain)
    wanted = tuple(for_names)
    where = title(leaf)
    for certificate in chain:
        check_time(certificate, now)
    check_strength(leaf)
    _check_use(leaf, use)
    check_names(leaf, wanted)
    path = _path(chain, tuple(roots), use, now, wanted)
    for certificate in path:
        if is_revoked(certificate, revoked):
            raise UntrustedError(f"{title(certificate)} was revoked", where=where)
    return path


def check_time(certificate: x509.Certificate, now: datetime) -> None:
    """Raise `UntrustedError` unless the certificate is valid now; both ends count (RFC 5280 §4.1.2.5)."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        raise UntrustedError(f"not valid before {start:%Y-%m-%d %H:%M} UTC", where=title(certificate))
    if now > end:
        raise UntrustedError(f"expired on {end:%Y-%m-%d %H:%M} UTC", where=title(certificate))


def check_strength(certificate: x509.Certificate) -> None:
    """Raise `UntrustedError` when the key is too weak, or of a kind that no client takes."""
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size < _SMALLEST_RSA:
        raise UntrustedError(
            f"its RSA key has {key.key_size} bits; {_SMALLEST_RSA} are the least", where=title(certificate)
        )
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, _CURVES):
        raise UntrustedError(f"its key is on the curve {key.curve.name}; use P-256", where=title(certificate))
    if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        raise UntrustedError("its key is neither RSA nor EC", where=title(certificate))


def check_names(certificate: x509.Certificate, wanted: Iterable[str]) -> None:
    """Raise `UntrustedError` unless the certificate is valid for every name (RFC 9525 §6)."""
    has = names(certificate)
    for name in wanted:
        if not any(_matches(name, pattern) for pattern in has):
            said = f"only for {', '.join(has)}" if has else "for no name at all"
            raise UntrustedError(f"not for {name}, {said}", where=title(certificate))


def check_key(credentials: Credentials) -> None:
    """Raise `UntrustedError` unless the key is the certificate's own."""
    if credentials.key.public_key() != credentials.certificate.public_key():
        raise UntrustedError("the key is not this certificate's", where=title(credentials.certificate))


def check_links(chain: Sequence[x509.Certificate]) -> None:
    """Raise `UntrustedError` unless each certificate is signed by the next one; no root is needed."""
    for lower, upper in pairwise(chain):
        try:
            lower.verify_directly_issued_by(upper)
        except Exception:  # noqa: BLE001 - the library's list of errors is not closed, and any of them refuses
            raise UntrustedError(f"not signed by the next one, {title(upper)}", where=title(lower)) from None


def title(certificate: x509.Certificate) -> str:
    """How sentences name a certificate: ``certificate shop.example``."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    named = str(common[0].value) if common else next(iter(names(certificate)), "without a name")
    return f"certificate {named}"


def _first(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    if not chain:
        raise UntrustedError("there is no certificate")
    return chain[0]


def _check_use(leaf: x509.Certificate, use: Use) -> None:
    try:
        uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        uses = x509.ExtendedKeyUsage([])
    if use.value not in uses:
        raise UntrustedError(f"not a certificate for {use.noun}", where=title(leaf))


def _matches(name: str, pattern: str) -> bool:
    """Whether a name in a certificate covers a name that is asked for; a star is one whole label, the first."""
    name, pattern = name.lower().rstrip("."), pattern.lower()
    if name == pattern:
        return True
    star, _, rest = pattern.partition(".")
    first, _, others = name.partition(".")
    return star == "*" and bool(first) and others == rest


def _path(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    use: Use,
    now: datetime,
    wanted: Sequence[str],
) -> tuple[x509.Certificate, ...]:
    leaf, *others = chain
    if not roots:
        raise UntrustedError("no authority is trusted", where=title(leaf))
    builder = PolicyBuilder().store(Store(list(roots))).time(now)
    try:
        if use is not Use.SERVER:
            policies = builder.extension_policies(
                ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_without_names(use)
            )
            return tuple(policies.build_client_verifier().verify(leaf, others).chain)
        if not wanted:
            raise UntrustedError("no name was asked for", where=title(leaf))
        paths = [tuple(builder.build_server_verifier(_subject(name)).verify(leaf, others)) for name in wanted]
    except VerificationError as fault:
        raise UntrustedError(f"not trusted: {_reason(fault)}", where=title(leaf)) from None
    return paths[0]


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    (general,) = general_names((name,))
    return general if isinstance(general, x509.IPAddress) else x509.DNSName(name)


def _without_names(use: Use) -> ExtensionPolicy:
    """For clients and signers, whose certificates need no names: as for servers, but with their own use."""

    def check(_: Policy, __: x509.Certificate, uses: x509.ExtendedKeyUsage) -> None:
        if use.value not in uses:
            raise ValueError(use.noun)

    policy = ExtensionPolicy.webpki_defaults_ee()
    policy = policy.may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    return policy.require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, check)


def _reason(fault: VerificationError) -> str:
    """What the library says, without its own words around it."""
    said = str(fault).removeprefix("validation failed: ").partition(" (encountered")[0]
    return "no path leads to an authority that is trusted" if said.startswith("candidates exhausted") else said
