from datetime import datetime, timedelta

import pytest
from cryptography import x509

from trellis.errors import ConfigError
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.revoking import from_data, is_revoked, revocation_list, revoked

from .conftest import NOW


def test_an_entry_is_kept_as_data_and_comes_back(server: Credentials) -> None:
    entry = revoked(server.certificate, NOW, "superseded")
    data = entry.to_data()
    assert data["at"] == "2030-05-01T12:00:00+00:00"
    assert from_data(data, "revoked.yaml") == entry
    assert is_revoked(server.certificate, [entry])


def test_the_same_serial_of_another_authority_is_another_certificate(server: Credentials) -> None:
    entry = revoked(server.certificate, NOW)
    other = create_authority("other", NOW)
    assert not is_revoked(issue(other, Leaf("a", Use.CLIENT), NOW).certificate, [entry])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"issuer": "zz", "serial": "01", "at": NOW.isoformat()},
        {"issuer": "ab", "serial": "xx", "at": NOW.isoformat()},
        {"issuer": "ab", "serial": "01", "at": datetime(2030, 1, 1).isoformat()},  # noqa: DTZ001 - what is refused
        {"issuer": "ab", "serial": "01", "at": NOW.isoformat(), "reason": "boredom"},
    ],
)
def test_an_entry_that_cannot_be_read_is_an_error_and_never_skipped(data: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"^revoked\.yaml"):
        from_data(data, "revoked.yaml")


def test_a_list_holds_what_this_authority_took_back_and_is_signed_by_it(
    authority: Credentials, server: Credentials
) -> None:
    other = create_authority("other", NOW)
    foreign = issue(other, Leaf("a", Use.CLIENT), NOW)
    entries = [revoked(server.certificate, NOW, "keyCompromise"), revoked(foreign.certificate, NOW)]
    found = x509.load_pem_x509_crl(revocation_list(authority, entries, NOW).encode())
    assert [entry.serial_number for entry in found] == [server.certificate.serial_number]
    assert found.is_signature_valid(authority.certificate.public_key())  # type: ignore[arg-type]  # an EC key
    assert found.next_update_utc == NOW + timedelta(days=7)
    (entry,) = found
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value
    assert reason.reason is x509.ReasonFlags.key_compromise
