"""What `trellis renew` takes out of a plan."""

from dataclasses import replace
from pathlib import Path

import pytest

from trellis.environments.keeping import KeptFile
from trellis.environments.project import Project
from trellis.errors import ApplyError, ConfigError
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis.plans import Plan, Step, Verb
from trellis.resources import Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates.kept import certificate_key, kept_certificate, read_certificate
from trellis_certificates.listing import entries, root_certificate
from trellis_certificates.model import CertificateSpec, plain
from trellis_certificates.renewing import Renewed, certificates_alone, make_due, waiting

from .conftest import NOW

SPEC = CertificateSpec(
    name="shop.example",
    names=("shop.example",),
    path="/certs/shop.example.pem",
    fingerprint="abc",
    ends="2030-05-21T12:00:00+00:00",
    due="expires in 20 days",
    source="internal",
    issuer="Trellis's own authority",
    balancer="haproxy",
    container="shop-prod-edge-1",
    ports=(443,),
    settings={},
)
CONTAINER = ResourceKey("container", "edge-1", "ny1")


def certificate(host: str, verb: Verb = Verb.UPDATE, *requires: ResourceKey) -> Step:
    key = ResourceKey("certificate", "edge-1/shop.example", host)
    return Step(key, verb, SPEC.due, Resource(key, freeze_mapping(plain(SPEC))), requires=requires)


def plan(*steps: Step) -> Plan:
    return Plan("shop", "prod", steps)


def test_only_what_is_about_certificates_is_done() -> None:
    found = certificates_alone(plan(certificate("ny1"), Step(CONTAINER, Verb.REPLACE, "image 1 → 2")))
    assert [str(step.key) for step in found.steps] == ["certificate:edge-1/shop.example@ny1"]


def test_what_waits_for_another_change_is_left_and_said() -> None:
    answers = ResourceKey("acme-answers", "edge-1", "ny1")
    steps = (
        Step(CONTAINER, Verb.CREATE, "not there yet"),
        Step(answers, Verb.CREATE, "answers", requires=(CONTAINER,)),
        certificate("ny1", Verb.UPDATE, answers),
    )
    assert certificates_alone(plan(*steps)).steps == ()
    assert waiting(plan(*steps)) == ("edge-1/shop.example on ny1 waits for other changes: expires in 20 days",)
    assert len(certificates_alone(plan(*steps[1:])).steps) == 0, "an answer waits, so its certificate waits"


def test_removals_and_what_stays_are_no_renewals() -> None:
    assert certificates_alone(plan(certificate("ny1", Verb.KEEP), certificate("ny2", Verb.REMOVE))).steps == ()
    assert waiting(plan(certificate("ny1", Verb.KEEP))) == ()


def test_what_failed_is_an_error_with_the_exit_code_of_failed_applying() -> None:
    Renewed(("shop.example",)).refuse_failures()
    with pytest.raises(ApplyError) as failed:
        Renewed(failed=("shop.example was not renewed: expires in 20 days",), hint="again").refuse_failures()
    assert failed.value.exit_code == 4


def test_a_certificate_is_made_due_by_name(project: Project, keeper: KeptFile) -> None:
    authority = create_authority("Trellis shop/prod", NOW)
    for name in ("shop.example", "blog.example"):
        kept = kept_certificate(issue(authority, Leaf(name, Use.SERVER, (name,)), NOW), "internal")
        keeper.put(certificate_key(name), kept.to_secret())
    with pytest.raises(ConfigError, match=r"there is no certificate shop; there are: blog\.example, shop\.example"):
        make_due(project, "prod", ("shop",))
    make_due(project, "prod", ("shop.example",))
    times = {key: read_certificate(text, key).renew_at for key, text in keeper.all().items()}
    assert times[certificate_key("shop.example")] < NOW
    assert times[certificate_key("blog.example")] > NOW


def test_the_users_own_are_not_made_due(project: Project, tmp_path: Path) -> None:
    (project.root / "environments/prod.yaml").write_text(f"certificates: {{issuer: files, folder: {tmp_path}}}\n")
    with pytest.raises(ConfigError, match="your own certificates are renewed by you"):
        make_due(project, "prod", ())


def test_the_list_joins_the_hosts_of_a_certificate() -> None:
    good = replace(SPEC, due="")
    steps = [certificate("ny2"), replace(certificate("ny1", Verb.KEEP))]
    resource = Resource(steps[1].key, freeze_mapping(plain(good)))
    found = entries([steps[0], replace(steps[1], resource=resource)], NOW)
    assert [(entry["hosts"], entry["days_left"], entry["state"]) for entry in found] == [
        (["ny2", "ny1"], 20, "expires in 20 days")
    ]


def test_without_an_authority_there_is_no_root(project: Project) -> None:
    with pytest.raises(ConfigError, match="prod has no authority of its own yet"):
        root_certificate(project, "prod")
