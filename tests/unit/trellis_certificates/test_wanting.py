"""The resources of a placed stack, and what is decided about them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from trellis.blueprint import Blueprint
from trellis.certifying import CertificatePlace, Certifying
from trellis.deployment import Deployment
from trellis.errors import ConfigError
from trellis.pki.identifying import fingerprint
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis.pki.pem import bundle
from trellis.plans import Verb
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates import trellis_resources
from trellis_certificates.account import account_key, new_account, thumbprint
from trellis_certificates.deciding import decide, drift
from trellis_certificates.kept import AUTHORITY, certificate_key, kept_certificate
from trellis_dsl.secret import Secret

from .conftest import NOW

ACME = {"issuer": "letsencrypt", "directory": "https://ca.example/dir"}
GROUPS = (("shop.example", "www.shop.example"), ("blog.example",))
ROOT = create_authority("Trellis shop/prod", NOW)
SHOP = issue(ROOT, Leaf("shop.example", Use.SERVER, GROUPS[0]), NOW)
BLOG = issue(ROOT, Leaf("blog.example", Use.SERVER, GROUPS[1]), NOW)


def place(number: int) -> CertificatePlace:
    host, name = f"ny{number}", f"edge-{number}"
    return CertificatePlace(
        balancer="haproxy",
        host=host,
        name=name,
        container=f"shop-prod-{name}",
        folder=f"/var/lib/trellis/shop/prod/{name}/etc/certs",
        challenges=f"/var/lib/trellis/shop/prod/{name}/etc/acme.map",
        ports=(443,),
        plain_ports=(80,),
        groups=GROUPS,
        owner=Owner("Web", "Edge", number),
        config=ResourceKey("haproxy-config", name, host),
        runs=ResourceKey("container", name, host),
    )


def resources(
    settings: Mapping[str, str], kept: Mapping[str, Secret] | None = None, after: timedelta = timedelta(0)
) -> dict[str, Resource]:
    certifying = Certifying(settings, Path("/srv/shop"), (place(1), place(2)), NOW + after, kept or {})
    deployment = Deployment("prod", Blueprint("shop"), {}, {}, {}, (), (), certifying)
    return {str(found.key): found for found in trellis_resources(deployment)}


def all_kept(source: str = "internal") -> dict[str, Secret]:
    return {
        AUTHORITY: bundle(ROOT),
        certificate_key("shop.example"): kept_certificate(SHOP, source).to_secret(),
        certificate_key("blog.example"): kept_certificate(BLOG, source).to_secret(),
    }


def found(resource: Resource, **state: object) -> Actual:
    usual = {
        "sha256": "abc",
        "written": "abc",
        "mode": 0o600,
        "fingerprint": resource.spec.get("fingerprint", ""),
        "ends": resource.spec.get("ends", ""),
        "served": resource.spec.get("fingerprint", ""),
        "unfinished": False,
    }
    return Actual(resource.key, resource.spec, freeze_mapping(usual | state), resource.owner)


def test_each_balancer_gets_each_certificate_before_it_starts() -> None:
    wanted = resources({})
    assert sorted(wanted) == [
        "certificate:edge-1/blog.example@ny1",
        "certificate:edge-1/shop.example@ny1",
        "certificate:edge-2/blog.example@ny2",
        "certificate:edge-2/shop.example@ny2",
    ]
    shop = wanted["certificate:edge-1/shop.example@ny1"]
    assert shop.spec["path"] == "/var/lib/trellis/shop/prod/edge-1/etc/certs/shop.example.pem"
    assert shop.requires == ()
    assert shop.required_by == (place(1).config, place(1).runs)
    decision = decide(shop, None)
    assert decision.verb is Verb.CREATE
    assert decision.reason == "for shop.example, www.shop.example: none yet, from Trellis's own authority"


def test_an_order_waits_for_every_balancer_of_the_site() -> None:
    wanted = resources(ACME)
    shop = wanted["certificate:edge-1/shop.example@ny1"]
    assert shop.required_by == ()
    assert [str(key) for key in shop.requires] == [
        "acme-answers:edge-1@ny1",
        "acme-answers:edge-2@ny2",
        "container:edge-1@ny1",
        "container:edge-2@ny2",
        "haproxy-config:edge-1@ny1",
        "haproxy-config:edge-2@ny2",
    ]
    answers = wanted["acme-answers:edge-2@ny2"]
    assert answers.requires == (place(2).config, place(2).runs)
    assert decide(answers, None).reason == "answers the challenges of https://ca.example/dir"


def test_an_acme_certificate_that_is_kept_goes_to_a_new_balancer_before_that_starts() -> None:
    shop = resources(ACME, all_kept(ACME["directory"]))["certificate:edge-1/shop.example@ny1"]
    assert (shop.requires, shop.required_by) == ((), (place(1).config, place(1).runs))
    assert shop.spec["fingerprint"] == fingerprint(SHOP.certificate)


def test_no_key_and_no_secret_is_in_a_resource() -> None:
    account = new_account()
    kept = all_kept(ACME["directory"]) | {account_key(ACME["directory"]): account.to_secret()}
    wanted = resources(ACME, kept)
    assert wanted["acme-answers:edge-1@ny1"].spec["thumbprint"] == thumbprint(account.key)
    assert "PRIVATE" not in repr(wanted)
    assert "•••" not in repr(wanted)


def test_what_is_as_it_should_be_is_left() -> None:
    shop = resources({}, all_kept())["certificate:edge-1/shop.example@ny1"]
    decision = decide(shop, found(shop))
    assert (decision.verb, decision.reason) == (Verb.KEEP, "valid until 2030-07-30, from Trellis's own authority")
    assert decide(shop, found(shop, served="")).verb is Verb.KEEP, "a balancer that does not run is no drift"


def test_the_plan_says_why_a_certificate_is_renewed() -> None:
    shop = resources({}, all_kept(), timedelta(days=70))["certificate:edge-1/shop.example@ny1"]
    decision = decide(shop, found(shop))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, "expires in 20 days", False)


@pytest.mark.parametrize(
    ("state", "reason", "drift"),
    [
        ({"fingerprint": "old"}, "another certificate, valid until 2030-07-30, from Trellis's own authority", False),
        ({"sha256": "", "fingerprint": ""}, "removed by hand, restored", True),
        ({"sha256": "xyz"}, "changed by hand, restored", True),
        ({"mode": 0o644}, "mode 0644 → 0600", True),
        ({"served": "old"}, "not served by the running balancer yet", True),
        ({"served": "old", "unfinished": True}, "an earlier run did not finish", False),
    ],
)
def test_every_difference_has_its_reason(state: dict[str, object], reason: str, *, drift: bool) -> None:
    shop = resources({}, all_kept())["certificate:edge-1/shop.example@ny1"]
    decision = decide(shop, found(shop, **state))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, reason, drift)


def test_drift_is_told_whatever_the_stack_asks_for_now() -> None:
    shop = resources({}, all_kept())["certificate:edge-1/shop.example@ny1"]
    assert drift(found(shop)) == ""
    assert drift(found(shop, sha256="xyz")) == "changed by hand"
    assert drift(found(shop, sha256="", fingerprint="")) == "removed by hand"
    assert drift(found(shop, mode=0o644)) == "mode 0644 → 0600"
    assert drift(found(shop, sha256="xyz", unfinished=True)) == ""
    own = {account_key(ACME["directory"]): new_account().to_secret()}
    answers = resources(ACME, own)["acme-answers:edge-1@ny1"]
    assert drift(found(answers, served=str(answers.spec["thumbprint"]))) == ""
    assert drift(found(answers, sha256="xyz", served="")) == "changed by hand"


def test_answers_follow_the_account() -> None:
    account = new_account()
    kept = {account_key(ACME["directory"]): account.to_secret()}
    answers = resources(ACME, kept)["acme-answers:edge-1@ny1"]
    own = thumbprint(account.key)
    assert decide(answers, found(answers, served=own)).verb is Verb.KEEP
    assert decide(answers, found(answers, served="nothing")).reason == "not answered by the running balancer yet"
    other = replace(answers, spec=freeze_mapping({**answers.spec, "thumbprint": "other"}))
    assert decide(answers, found(other, served="other")).reason == "another account, at https://ca.example/dir"


def test_what_no_site_needs_goes() -> None:
    shop = resources({})["certificate:edge-1/shop.example@ny1"]
    decision = decide(None, found(shop))
    assert (decision.verb, decision.reason) == (Verb.REMOVE, "no site needs it any more")


def test_settings_that_make_no_sense_are_refused_before_anything_is_done() -> None:
    with pytest.raises(ConfigError, match=r"environments/prod\.yaml: certificates\.issuer"):
        resources({"issuer": "nobody"})


def test_without_a_place_there_is_nothing_and_nothing_is_asked() -> None:
    certifying = Certifying({"issuer": "nobody"}, Path("/srv/shop"), (), NOW, {})
    assert trellis_resources(Deployment("prod", Blueprint("shop"), {}, {}, {}, (), (), certifying)) == ()
    assert trellis_resources(Deployment("prod", Blueprint("shop"), {}, {}, {}, (), ())) == ()
