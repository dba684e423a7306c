"""Certificates that a user brings: every refusal, with the file that is at fault."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from trellis.errors import ConfigError, UsageError
from trellis.pki.issuing import create_authority, issue, issue_for
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.pem import dump_certificates, dump_key
from trellis_certificates.brought import brought, refuse_key_in
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted

from .conftest import NOW

AUTHORITY = create_authority("a public authority", NOW - timedelta(days=100))
WANTED = Wanted("shop.example", ("shop.example", "www.shop.example"))
GOOD = Leaf("shop.example", Use.SERVER, WANTED.names)


def put(folder: Path, found: Credentials, name: str = "shop.example") -> None:
    (folder / f"{name}.pem").write_text(dump_certificates((*found.chain, AUTHORITY.certificate)))
    key = folder / f"{name}.key"
    key.write_text(dump_key(found.key).reveal())
    key.chmod(0o600)


def read(folder: Path, **settings: str) -> Credentials:
    return brought(Settings("files", folder=str(folder), **settings), WANTED, NOW)


def refusal(folder: Path, **settings: str) -> str:
    with pytest.raises((ConfigError, UsageError)) as refused:
        read(folder, **settings)
    assert refused.value.exit_code == 2
    assert "PRIVATE" not in f"{refused.value}"
    return str(refused.value)


def test_a_good_one_is_taken_without_its_root(tmp_path: Path) -> None:
    good = issue(AUTHORITY, GOOD, NOW)
    put(tmp_path, good)
    assert read(tmp_path).chain == (good.certificate,)


def test_one_for_all_names_is_the_default(tmp_path: Path) -> None:
    star = issue(AUTHORITY, Leaf("star", Use.SERVER, ("*.shop.example", "shop.example")), NOW)
    put(tmp_path, star, "default")
    assert read(tmp_path).certificate == star.certificate


def test_a_certificate_that_does_not_match_its_key_is_refused(tmp_path: Path) -> None:
    put(tmp_path, Credentials(issue(AUTHORITY, GOOD, NOW).certificate, AUTHORITY.key))
    assert refusal(tmp_path) == (
        f"{tmp_path}/shop.example.pem: certificate shop.example: the key is not this certificate's"
    )


@pytest.mark.parametrize(
    ("issued", "said"),
    [
        (timedelta(days=-95), "expired on 2030-04-26 12:00 UTC"),
        (timedelta(days=2), "not valid before 2030-05-03 11:00 UTC"),
    ],
)
def test_outside_its_days_it_is_refused(tmp_path: Path, issued: timedelta, said: str) -> None:
    put(tmp_path, issue(AUTHORITY, GOOD, NOW + issued))
    assert refusal(tmp_path).endswith(said)


def test_a_missing_name_is_refused(tmp_path: Path) -> None:
    put(tmp_path, issue(AUTHORITY, Leaf("shop.example", Use.SERVER, ("shop.example",)), NOW))
    assert refusal(tmp_path).endswith("not for www.shop.example, only for shop.example")


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the weak key that is refused
    (certificate,) = issue_for(AUTHORITY, weak.public_key(), GOOD, NOW)
    put(tmp_path, Credentials(certificate, weak))
    assert refusal(tmp_path).endswith("its RSA key has 1024 bits; 2048 are the least")


def test_a_chain_that_does_not_hold_is_refused(tmp_path: Path) -> None:
    other = create_authority("a public authority", NOW)
    put(tmp_path, Credentials(issue(AUTHORITY, GOOD, NOW).certificate, AUTHORITY.key))
    good = issue(AUTHORITY, GOOD, NOW)
    put(tmp_path, Credentials(good.certificate, good.key, (other.certificate, AUTHORITY.certificate)))
    assert "not signed by the next one" in refusal(tmp_path)


def test_with_roots_it_must_lead_to_one_of_them(tmp_path: Path) -> None:
    put(tmp_path, issue(AUTHORITY, GOOD, NOW))
    roots = tmp_path / "roots.txt"
    roots.write_text(dump_certificates(AUTHORITY.chain))
    read(tmp_path, ca=str(roots))
    roots.write_text(dump_certificates(create_authority("other", NOW).chain))
    assert refusal(tmp_path, ca=str(roots)).endswith("no path leads to an authority that is trusted")


def test_a_missing_file_is_named_with_what_to_put_there(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: there is no certificate for shop.example"


def test_a_key_for_everybody_or_in_the_project_is_refused(tmp_path: Path) -> None:
    put(tmp_path, issue(AUTHORITY, GOOD, NOW))
    (tmp_path / "shop.example.key").chmod(0o644)
    assert refusal(tmp_path) == f"{tmp_path}/shop.example.key: everybody may read this key"
    with pytest.raises(ConfigError, match="private keys must not lie in the project"):
        refuse_key_in(tmp_path, Settings("files", folder=str(tmp_path / "keys")))
    refuse_key_in(tmp_path / "project", Settings("files", folder=str(tmp_path / "keys")))


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    put(tmp_path, issue(AUTHORITY, GOOD, NOW))
    (tmp_path / "shop.example.pem").write_text("hello\n")
    assert refusal(tmp_path) == f"{tmp_path}/shop.example.pem: holds no certificate that can be read"
    (tmp_path / "shop.example.pem").write_bytes(b"\xff\xfe")
    assert refusal(tmp_path) == f"{tmp_path}/shop.example.pem: cannot be read: not PEM text"
