"""The pure parts of ACME: thumbprints, accounts as kept, advice."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from josepy.jwk import JWKEC

from trellis.errors import ConfigError
from trellis.pki.issuing import new_key
from trellis_certificates.account import Account, account_key, new_account, read_account, thumbprint
from trellis_certificates.advice import renewal_id, time_in_window
from trellis_dsl.secret import Secret

from .conftest import NOW

URL = "https://ca.example/dir"


def test_a_thumbprint_is_that_of_the_standard() -> None:
    for _ in range(20):  # also with coordinates that start with zeros, sooner or later
        key = new_key()
        expected = base64.urlsafe_b64encode(JWKEC(key=key).thumbprint()).decode().rstrip("=")
        assert thumbprint(key) == expected


def test_an_account_comes_back_and_directories_have_accounts_of_their_own() -> None:
    account = Account(new_key(), f"{URL}/account/1", NOW)
    again = read_account(account.to_secret(), URL)
    assert (again.uri, again.wait_until) == (account.uri, NOW)
    assert thumbprint(again.key) == thumbprint(account.key)
    assert account_key(URL) != account_key(f"{URL}2")
    assert read_account(new_account().to_secret(), URL).wait_until is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": "x", "uri": "", "wait_until": ""}'])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^what is kept as account\."):
        read_account(Secret(text), URL)


def test_the_renewal_id_of_the_standards_own_example() -> None:
    """RFC 9773 §4.1: the certificate of its appendix A, with serial number 0x87654321."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 0x87654321, NOW, NOW + timedelta(days=1))
        .add_extension(
            x509.AuthorityKeyIdentifier(bytes.fromhex("69885B6B87464041E1B37B847BA0AE2CDE01C8D4"), None, None),
            critical=False,
        )
        .sign(key, SHA256())
    )
    assert renewal_id(certificate) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"


def test_a_time_in_the_window_stays_the_same_and_differs_between_certificates() -> None:
    start, end = "2030-05-01T00:00:00Z", "2030-05-03T00:00:00Z"
    times = {time_in_window(start, end, f"certificate {number}") for number in range(50)}
    assert len(times) > 40
    assert min(times) >= datetime(2030, 5, 1, tzinfo=UTC)
    assert max(times) < datetime(2030, 5, 3, tzinfo=UTC)
    assert time_in_window(start, end, "one") == time_in_window(start, end, "one")


@pytest.mark.parametrize(
    ("start", "end"),
    [("soon", "later"), ("2030-05-03T00:00:00Z", "2030-05-01T00:00:00Z"), ("2030-05-01", "2030-05-02")],
)
def test_a_window_that_is_none_is_no_advice(start: str, end: str) -> None:
    with pytest.raises(ValueError, match=r"soon|2030"):
        time_in_window(start, end, "one")
