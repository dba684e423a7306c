from datetime import datetime, timedelta

import pytest

from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis_certificates.due import span, why_due
from trellis_certificates.kept import KeptCertificate, kept_certificate, read_certificate, with_advice
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted

from .conftest import NOW

INTERNAL = Settings()
ACME = Settings("letsencrypt", directory="https://ca.example/dir")
WANTED = Wanted("shop.example", ("shop.example", "www.shop.example"))
AUTHORITY = create_authority("Trellis shop/prod", NOW)


def kept(source: str = "internal", names: tuple[str, ...] = WANTED.names, days: int = 90) -> KeptCertificate:
    leaf = Leaf(names[0], Use.SERVER, names, timedelta(days=days))
    return kept_certificate(issue(AUTHORITY, leaf, NOW), source)


def due(found: KeptCertificate | None, after: timedelta = timedelta(0), settings: Settings = INTERNAL) -> str:
    return why_due(found, WANTED, settings, AUTHORITY, NOW + after)


def test_the_first_one_is_due_at_once() -> None:
    assert due(None) == "none yet, from Trellis's own authority"
    assert due(None, settings=ACME) == "none yet, from ca.example"


def test_a_good_one_is_not_due_before_two_thirds_of_its_lifetime() -> None:
    assert due(kept()) == ""
    assert due(kept(), timedelta(days=59)) == ""
    assert due(kept(), timedelta(days=60)) == "expires in 30 days"
    assert due(kept(days=6), timedelta(days=5)) == "expires in 24 hours"


def test_an_expired_one_says_since_when() -> None:
    assert due(kept(), timedelta(days=93)) == "expired 3 days ago"


def test_another_issuer_and_other_names_are_reasons() -> None:
    assert due(kept(), settings=ACME) == "issued by internal, wanted from ca.example"
    assert due(kept(names=("shop.example", "old.example"))) == "names: + www.shop.example, - old.example"


def test_the_authoritys_advice_comes_before_two_thirds() -> None:
    advised = with_advice(kept(ACME.source), NOW + timedelta(days=10))
    assert due(advised, timedelta(days=9), ACME) == ""
    assert due(advised, timedelta(days=10), ACME) == "its authority asks for a new one; expires in 80 days"


def test_a_new_authority_issues_anew() -> None:
    other = create_authority("Trellis shop/prod", NOW)
    said = "issued by an authority that is no longer Trellis's own"
    assert why_due(kept(), WANTED, INTERNAL, other, NOW) == said
    assert why_due(kept(), WANTED, INTERNAL, None, NOW) == said


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(days=20, hours=5), "20 days"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=5), "0 hours"),
    ],
)
def test_spans_are_in_days_or_hours(time: timedelta, said: str) -> None:
    assert span(time) == said


def test_what_is_kept_comes_back() -> None:
    before = with_advice(kept(), datetime.fromisoformat("2030-06-01T00:00:00+00:00"))
    after = read_certificate(before.to_secret(), "shop.example")
    assert (after.source, after.renew_at, after.advised) == (before.source, before.renew_at, True)
    assert after.credentials.certificate == before.credentials.certificate
    assert after.credentials.key.public_key() == before.credentials.key.public_key()
