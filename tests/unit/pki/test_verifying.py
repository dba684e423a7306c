"""Every refusal, one by one: what is not proven good is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from trellis.pki.errors import UntrustedError
from trellis.pki.issuing import create_authority, issue, issue_for
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.revoking import revoked
from trellis.pki.verifying import check_key, check_links, check_names, check_strength, verify

from .conftest import NOW

SHOP = ("shop.example",)


def refusal(check: Callable[[], object]) -> str:
    with pytest.raises(UntrustedError) as refused:
        check()
    assert refused.value.exit_code == 3
    return str(refused.value)


def test_a_good_certificate_gives_its_path(authority: Credentials, server: Credentials) -> None:
    path = verify(server.chain, [authority.certificate], Use.SERVER, NOW, for_names=("www.shop.example", "10.0.0.11"))
    assert path == (server.certificate, authority.certificate)


@pytest.mark.parametrize("use", [Use.CLIENT, Use.SIGNING])
def test_a_client_and_a_signer_are_good_for_their_own_use_alone(authority: Credentials, use: Use) -> None:
    credentials = issue(authority, Leaf("prod", use), NOW)
    roots = [authority.certificate]
    assert verify(credentials.chain, roots, use, NOW)[0] == credentials.certificate
    for other in set(Use) - {use}:
        said = refusal(lambda other=other: verify(credentials.chain, roots, other, NOW, for_names=("prod",)))
        assert said == f"certificate prod: not a certificate for {other.noun}"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW - timedelta(hours=1, seconds=1), "not valid before 2030-05-01 11:00 UTC"),
        (NOW + timedelta(days=90, seconds=1), "expired on 2030-07-30 12:00 UTC"),
    ],
)
def test_outside_its_days_it_is_refused(authority: Credentials, server: Credentials, now: datetime, said: str) -> None:
    check = lambda: verify(server.chain, [authority.certificate], Use.SERVER, now, for_names=SHOP)  # noqa: E731 - one use
    assert refusal(check) == f"certificate shop.example: {said}"


def test_both_ends_of_its_days_count(authority: Credentials, server: Credentials) -> None:
    for now in (server.certificate.not_valid_before_utc, server.certificate.not_valid_after_utc):
        verify(server.chain, [authority.certificate], Use.SERVER, now, for_names=SHOP)


def test_a_root_that_ended_vouches_for_nobody(authority: Credentials, server: Credentials) -> None:
    root = authority.certificate
    builder = x509.CertificateBuilder(
        root.subject, root.subject, root.public_key(), 7, NOW - timedelta(days=9), NOW - timedelta(days=1)
    )
    for extension in root.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    ended = builder.sign(authority.key, SHA256())
    said = refusal(lambda: verify(server.chain, [ended], Use.SERVER, NOW, for_names=SHOP))
    assert said.startswith("certificate shop.example: not trusted")


def test_another_name_is_refused(authority: Credentials, server: Credentials) -> None:
    roots = [authority.certificate]
    said = refusal(lambda: verify(server.chain, roots, Use.SERVER, NOW, for_names=("shop.example", "api.shop.example")))
    assert said == (
        "certificate shop.example: not for api.shop.example, only for 10.0.0.11, shop.example, www.shop.example"
    )


def test_a_server_must_be_asked_for_a_name(authority: Credentials, server: Credentials) -> None:
    said = refusal(lambda: verify(server.chain, [authority.certificate], Use.SERVER, NOW))
    assert said == "certificate shop.example: no name was asked for"


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a.shop.example", True),
        ("A.Shop.Example", True),
        ("shop.example", False),
        ("a.b.shop.example", False),
        ("ashop.example", False),
    ],
)
def test_a_star_stands_for_one_whole_label(authority: Credentials, name: str, *, good: bool) -> None:
    star = issue(authority, Leaf("star", Use.SERVER, ("*.shop.example",)), NOW).certificate
    if good:
        check_names(star, (name,))
    else:
        refusal(lambda: check_names(star, (name,)))


def test_nobody_is_trusted_by_default(server: Credentials) -> None:
    said = refusal(lambda: verify(server.chain, [], Use.SERVER, NOW, for_names=SHOP))
    assert said == "certificate shop.example: no authority is trusted"
    said = refusal(lambda: verify([], [], Use.SERVER, NOW, for_names=SHOP))
    assert said == "there is no certificate"


def test_an_authority_of_the_same_name_is_another_one(server: Credentials) -> None:
    impostor = create_authority("Trellis shop/prod", NOW)
    said = refusal(lambda: verify(server.chain, [impostor.certificate], Use.SERVER, NOW, for_names=SHOP))
    assert said == "certificate shop.example: not trusted: no path leads to an authority that is trusted"


def test_a_leaf_cannot_issue(authority: Credentials, server: Credentials) -> None:
    forged = issue(server, Leaf("forged", Use.SERVER, SHOP), NOW)
    said = refusal(
        lambda: verify(
            (forged.certificate, server.certificate), [authority.certificate], Use.SERVER, NOW, for_names=SHOP
        )
    )
    assert "not trusted" in said


def test_an_authority_is_no_server(authority: Credentials) -> None:
    refusal(lambda: verify(authority.chain, [authority.certificate], Use.SERVER, NOW, for_names=SHOP))


def test_a_certificate_that_was_taken_back_is_refused(authority: Credentials, server: Credentials) -> None:
    other = issue(authority, Leaf("other", Use.SERVER, SHOP), NOW)
    lists = (revoked(other.certificate, NOW, "keyCompromise"), revoked(server.certificate, NOW))
    roots = [authority.certificate]
    said = refusal(lambda: verify(server.chain, roots, Use.SERVER, NOW, for_names=SHOP, revoked=lists))
    assert said == "certificate shop.example: certificate shop.example was revoked"
    verify(server.chain, roots, Use.SERVER, NOW, for_names=SHOP, revoked=lists[:1])


def test_a_weak_key_is_refused(authority: Credentials) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the weak key that is refused
    chain = issue_for(authority, weak.public_key(), Leaf("weak", Use.SERVER, SHOP), NOW)
    said = refusal(lambda: verify(chain, [authority.certificate], Use.SERVER, NOW, for_names=SHOP))
    assert said == "certificate weak: its RSA key has 1024 bits; 2048 are the least"
    curve = ec.generate_private_key(ec.SECP256K1())
    chain = issue_for(authority, curve.public_key(), Leaf("odd", Use.SERVER, SHOP), NOW)
    assert refusal(lambda: check_strength(chain[0])) == "certificate odd: its key is on the curve secp256k1; use P-256"


def test_a_certificate_without_any_use_is_refused(authority: Credentials) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bare")]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(authority.key, SHA256())
    )
    for use in Use:
        refusal(lambda use=use: verify((certificate,), [authority.certificate], use, NOW, for_names=SHOP))


def test_a_key_of_another_certificate_is_refused(authority: Credentials, server: Credentials) -> None:
    check_key(server)
    mixed = Credentials(server.certificate, authority.key)
    assert refusal(lambda: check_key(mixed)) == "certificate shop.example: the key is not this certificate's"


def test_a_chain_whose_links_do_not_hold_is_refused(authority: Credentials, server: Credentials) -> None:
    check_links((server.certificate, authority.certificate))
    check_links((server.certificate,))
    impostor = create_authority("Trellis shop/prod", NOW).certificate
    assert refusal(lambda: check_links((server.certificate, impostor))) == (
        "certificate shop.example: not signed by the next one, certificate Trellis shop/prod"
    )
