"""An authority's advice when to renew, asked for over real HTTPS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import BusyAuthorityDouble

from trellis.environments.keeping import KeptFile
from trellis.environments.project import Project, find_project
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis_certificates.advice import renewal_id
from trellis_certificates.due import why_due
from trellis_certificates.kept import KeptCertificate, certificate_key, kept_certificate, read_certificate
from trellis_certificates.renewing import take_advice
from trellis_certificates.settings import read_settings
from trellis_certificates.wanted import Wanted

NOW = datetime.now(UTC).replace(microsecond=0)
SHOP = Wanted("shop.example", ("shop.example",))
SOON = (NOW + timedelta(days=3), NOW + timedelta(days=5))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "shop"
    (root / "environments").mkdir(parents=True)
    (root / "trellis.yaml").write_text("")
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "key.txt"))
    return find_project(root)


@pytest.fixture
def authority(project: Project, tmp_path: Path) -> Iterator[BusyAuthorityDouble]:
    found = BusyAuthorityDouble(tmp_path, 1, (SOON[0].isoformat(), SOON[1].isoformat()))
    lines = [f"directory: {found.directory}", f"directory_ca: {found.directory_ca}", "issuer: letsencrypt"]
    (project.root / "environments/prod.yaml").write_text(f"certificates: {{{', '.join(lines)}}}\n")
    yield found
    found.stop()


def keep(project: Project, source: str) -> KeptCertificate:
    root = create_authority("an authority", NOW)
    kept = kept_certificate(issue(root, Leaf("shop.example", Use.SERVER, SHOP.names), NOW), source)
    KeptFile(project, "prod").put(certificate_key("shop.example"), kept.to_secret())
    return kept


def kept_now(project: Project) -> KeptCertificate:
    text = KeptFile(project, "prod").get(certificate_key("shop.example"))
    assert text is not None
    return read_certificate(text, "shop.example")


def test_advice_is_taken_and_the_plan_says_so(project: Project, authority: BusyAuthorityDouble) -> None:
    before = keep(project, authority.directory)
    take_advice(project, "prod")
    after = kept_now(project)
    assert authority.asked == [renewal_id(before.credentials.certificate)]
    assert after.advised
    assert SOON[0] <= after.renew_at < SOON[1]
    settings = read_settings({"issuer": "letsencrypt", "directory": authority.directory}, "prod", project.root)
    assert why_due(after, SHOP, settings, None, SOON[0] - timedelta(seconds=1)) == ""
    assert why_due(after, SHOP, settings, None, SOON[1]) == "its authority asks for a new one; expires in 85 days"
    take_advice(project, "prod")
    assert kept_now(project).renew_at == after.renew_at, "the same window gives the same time"


def test_an_authority_that_does_not_answer_changes_nothing(project: Project, authority: BusyAuthorityDouble) -> None:
    before = keep(project, authority.directory)
    authority.stop()
    take_advice(project, "prod")
    assert (kept_now(project).renew_at, kept_now(project).advised) == (before.renew_at, False)


def test_others_certificates_are_not_asked_about(project: Project, authority: BusyAuthorityDouble) -> None:
    keep(project, "internal")
    take_advice(project, "prod")
    assert authority.asked == []
