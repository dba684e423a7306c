"""An authority's advice when to renew (ARI, RFC 9773); pure."""

from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from trellis.pki.identifying import issuer_key_id


def renewal_id(certificate: x509.Certificate) -> str:
    """What the authority knows the certificate by (RFC 9773 §4.1): its issuer's key identifier, its serial number."""
    number = certificate.serial_number
    # As DER has it: one more bit, for the sign.
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return f"{_base64(issuer_key_id(certificate))}.{_base64(serial)}"


def time_in_window(start: str, end: str, seed: str) -> datetime:
    """A time in a suggested window, spread evenly over certificates, and the same whenever it is asked (§4.2).

    Raises:
        ValueError: the window is none.
    """
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    if first.tzinfo is None or last.tzinfo is None or last <= first:
        raise ValueError(start, end)
    part = int.from_bytes(sha256(seed.encode()).digest()[:8], "big") / 2**64
    return (first + (last - first) * part).replace(microsecond=0)


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
