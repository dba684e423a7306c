from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trellis.errors import UsageError
from trellis.pki.identifying import issuer_key_id, key_id, names
from trellis.pki.issuing import create_authority, issue, issue_for, new_key, signing_request
from trellis.pki.model import Credentials, Leaf, Use

from .conftest import NOW


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
    return certificate.extensions.get_extension_for_class(kind)


def test_an_authority_may_sign_certificates_and_lists_and_nothing_else(authority: Credentials) -> None:
    certificate = authority.certificate
    basic = extension(certificate, x509.BasicConstraints)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, False)
    assert certificate.subject == certificate.issuer
    assert certificate.not_valid_before_utc == NOW - timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)


def test_a_server_certificate_says_its_names_its_use_and_who_issued_it(
    authority: Credentials, server: Credentials
) -> None:
    certificate = server.certificate
    assert names(certificate) == ("10.0.0.11", "shop.example", "www.shop.example")
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    basic = extension(certificate, x509.BasicConstraints)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=False, path_length=None))
    assert issuer_key_id(certificate) == key_id(authority.certificate)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    assert isinstance(server.key, EllipticCurvePrivateKey)
    assert isinstance(server.key.curve, SECP256R1)
    assert server.key.public_key() == certificate.public_key()
    assert server.chain == (certificate,), "a root is not sent"
    certificate.verify_directly_issued_by(authority.certificate)


@pytest.mark.parametrize(
    ("use", "oid"),
    [(Use.CLIENT, ExtendedKeyUsageOID.CLIENT_AUTH), (Use.SIGNING, ExtendedKeyUsageOID.CODE_SIGNING)],
)
def test_clients_and_signers_need_no_names(authority: Credentials, use: Use, oid: x509.ObjectIdentifier) -> None:
    certificate = issue(authority, Leaf("console of prod", use), NOW).certificate
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [oid]
    assert names(certificate) == ()


def test_no_certificate_outlives_its_authority() -> None:
    short = create_authority("short", NOW, timedelta(days=10))
    certificate = issue(short, Leaf("a.example", Use.SERVER, ("a.example",)), NOW).certificate
    assert certificate.not_valid_after_utc == short.certificate.not_valid_after_utc


def test_two_certificates_have_different_serials_and_keys(authority: Credentials) -> None:
    one, two = (issue(authority, Leaf("a", Use.CLIENT), NOW) for _ in range(2))
    assert one.certificate.serial_number != two.certificate.serial_number
    assert one.key.public_key() != two.key.public_key()


def test_a_key_that_stays_at_home_gets_a_certificate_for_its_public_half(authority: Credentials) -> None:
    key = new_key()
    (certificate,) = issue_for(authority, key.public_key(), Leaf("ny1", Use.CLIENT), NOW)
    assert certificate.public_key() == key.public_key()


def test_an_authority_that_ended_issues_nothing(authority: Credentials) -> None:
    with pytest.raises(UsageError, match="valid from 2030-05-01 to 2040-04-28 only"):
        issue(authority, Leaf("a", Use.CLIENT), NOW + timedelta(days=3651))


def test_a_server_without_a_name_is_refused(authority: Credentials) -> None:
    with pytest.raises(UsageError, match="a certificate for a server needs a name"):
        issue(authority, Leaf("a", Use.SERVER), NOW)


def test_a_name_that_is_not_ascii_is_refused_with_the_way_to_write_it(authority: Credentials) -> None:
    with pytest.raises(UsageError, match="cannot stand in a certificate") as refused:
        issue(authority, Leaf("a", Use.SERVER, ("bücher.example",)), NOW)
    assert refused.value.hint == "write it as browsers send it, xn--…"


def test_a_common_name_is_cut_where_the_standard_ends_it(authority: Credentials) -> None:
    certificate = issue(authority, Leaf("x" * 80, Use.CLIENT), NOW).certificate
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "x" * 64


def test_a_signing_request_carries_the_names() -> None:
    request = x509.load_pem_x509_csr(signing_request(new_key(), ("a.example", "b.example")))
    assert request.is_signature_valid
    names_of = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names_of.get_values_for_type(x509.DNSName) == ["a.example", "b.example"]


def test_a_key_never_shows(server: Credentials) -> None:
    assert "key" not in repr(server).replace("public_key", "")
