"""One certificate for many hosts, kept before anybody gets it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from trellis.environments.keeping import KeptFile
from trellis.errors import ApplyError
from trellis.pki.identifying import names
from trellis.pki.issuing import create_authority
from trellis.pki.model import Use
from trellis.pki.pem import bundle
from trellis.pki.verifying import verify
from trellis_certificates.issuing import Issuing
from trellis_certificates.kept import AUTHORITY, certificate_key, read_authority, read_certificate
from trellis_certificates.settings import Settings
from trellis_certificates.wanted import Wanted

from .conftest import NOW

INTERNAL = Settings()
# Nobody listens at port 1 of this machine.
NOWHERE = Settings("letsencrypt", directory="https://127.0.0.1:1/dir")
SHOP = Wanted("shop.example", ("shop.example", "www.shop.example"))


def issuing(keeper: KeptFile, after: timedelta = timedelta(0)) -> Issuing:
    return Issuing(keeper, lambda: NOW + after, "shop/prod")


async def test_hosts_that_ask_at_once_get_one_certificate(keeper: KeptFile) -> None:
    one_run = issuing(keeper)
    found = await asyncio.gather(*(one_run.certificate(SHOP, INTERNAL, print) for _ in range(5)))
    assert len({credentials.certificate.serial_number for credentials in found}) == 1
    root = keeper.get(AUTHORITY)
    assert root is not None
    authority = read_authority(root)
    verify(found[0].chain, authority.chain, Use.SERVER, NOW, for_names=SHOP.names)
    kept = keeper.get(certificate_key("shop.example"))
    assert kept is not None
    assert read_certificate(kept, "shop.example").credentials.certificate == found[0].certificate


async def test_a_second_run_takes_what_is_kept_until_it_is_due(keeper: KeptFile) -> None:
    first = await issuing(keeper).certificate(SHOP, INTERNAL, print)
    assert (await issuing(keeper).certificate(SHOP, INTERNAL, print)).certificate == first.certificate
    later = await issuing(keeper, timedelta(days=60)).certificate(SHOP, INTERNAL, print)
    assert later.certificate != first.certificate
    assert later.key.public_key() != first.key.public_key()


async def test_two_certificates_come_from_one_authority(keeper: KeptFile) -> None:
    run = issuing(keeper)
    blog = Wanted("blog.example", ("blog.example",))
    one, two = await asyncio.gather(run.certificate(SHOP, INTERNAL, print), run.certificate(blog, INTERNAL, print))
    assert one.certificate.issuer == two.certificate.issuer
    one.certificate.verify_directly_issued_by(read_authority(keeper.get(AUTHORITY) or bundle(one)).certificate)


def test_nothing_lies_in_clear_on_the_controller(keeper: KeptFile, tmp_path: Path) -> None:
    asyncio.run(issuing(keeper).certificate(SHOP, INTERNAL, print))
    texts = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert set(texts) == {"trellis.yaml", "prod.yaml", "prod.keys.yaml", "shop.txt"}
    assert not [name for name, text in texts.items() if "PRIVATE KEY" in text or "CERTIFICATE" in text]


async def test_a_renewal_that_fails_keeps_the_old_one_and_says_until_when(
    keeper: KeptFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis_certificates.ordering._FIRST_PAUSE", 0.01)
    first = await issuing(keeper).certificate(SHOP, INTERNAL, print)
    text = keeper.get(certificate_key("shop.example"))
    assert text is not None
    keeper.put(
        certificate_key("shop.example"),
        replace(read_certificate(text, "shop.example"), source=NOWHERE.source).to_secret(),
    )
    said: list[str] = []
    later = await issuing(keeper, timedelta(days=70)).certificate(SHOP, NOWHERE, said.append)
    assert later.certificate == first.certificate
    assert said[0] == "asking 127.0.0.1:1 for shop.example, www.shop.example"
    assert said[1].startswith("warning: shop.example was not renewed: 127.0.0.1:1 does not answer: ")
    assert said[1].endswith("; the old certificate lasts until 2030-07-30 12:00 UTC, for 20 days")


async def test_the_first_one_that_fails_is_an_error_for_every_host_and_asked_for_once(
    keeper: KeptFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis_certificates.ordering._FIRST_PAUSE", 0.01)
    run, said = issuing(keeper), list[str]()
    failures = await asyncio.gather(
        *(run.certificate(SHOP, NOWHERE, said.append) for _ in range(3)), return_exceptions=True
    )
    assert {type(failure) for failure in failures} == {ApplyError}
    assert str(failures[0]).startswith("no certificate for shop.example: 127.0.0.1:1 does not answer: ")
    assert len(said) == 1
    assert keeper.get(certificate_key("shop.example")) is None


async def test_a_new_name_that_cannot_be_had_is_an_error_and_the_old_one_stays(
    keeper: KeptFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trellis_certificates.ordering._FIRST_PAUSE", 0.01)
    first = await issuing(keeper).certificate(SHOP, INTERNAL, print)
    more = Wanted("shop.example", (*SHOP.names, "new.shop.example"))
    with pytest.raises(ApplyError) as refused:
        await issuing(keeper).certificate(more, NOWHERE, print)
    assert refused.value.hint is not None
    assert "the old certificate stays, for shop.example, www.shop.example until 2030-07-30" in refused.value.hint
    text = keeper.get(certificate_key("shop.example"))
    assert text is not None
    assert read_certificate(text, "shop.example").credentials.certificate == first.certificate


async def test_another_authority_of_trellis_issues_anew(keeper: KeptFile) -> None:
    first = await issuing(keeper).certificate(SHOP, INTERNAL, print)
    keeper.put(AUTHORITY, bundle(create_authority("new", NOW)))
    second = await issuing(keeper).certificate(SHOP, INTERNAL, print)
    assert second.certificate.issuer != first.certificate.issuer
    assert names(second.certificate) == ("shop.example", "www.shop.example")
