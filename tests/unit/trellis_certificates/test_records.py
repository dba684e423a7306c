"""What is kept on hosts about certificates, and read again."""

import base64

import pytest

from trellis.errors import TrellisError
from trellis.pki.identifying import fingerprint
from trellis.pki.issuing import create_authority
from trellis.pki.pem import dump_certificates
from trellis.resources import Owner, ResourceKey
from trellis.values import freeze_mapping
from trellis_certificates.facts import actual_of, parse
from trellis_certificates.record import Record, key_at, read_record, record_path

from .conftest import NOW

RECORD = Record(freeze_mapping({"name": "shop.example", "ports": [443]}), Owner("Web", "Edge", 1), "abc")
ROOT = create_authority("test", NOW)


def line(record: str, certificates: str = "-", sha256: str = "-", mode: str = "-") -> str:
    return (
        f"certificates edge-1 shop.example {base64.b64encode(record.encode()).decode()} {sha256} {mode} {certificates}"
    )


def encoded(text: str) -> str:
    return f"={base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("certificate", "edge-1/shop.example", "certificates/edge-1/shop.example.json"),
        ("acme-answers", "edge-1", "acme/edge-1/answers.json"),
    ],
)
def test_each_resource_has_a_place_and_is_found_by_it(kind: str, name: str, path: str) -> None:
    key = ResourceKey(kind, name, "ny1")
    assert record_path(key) == path
    folder, place, file = path.split("/")
    assert key_at(folder, place, file.removesuffix(".json"), "ny1") == key


def test_a_record_comes_back() -> None:
    assert read_record(RECORD.to_json(), "here") == RECORD


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spec": {}, "owner": 1}', RECORD.to_json()[:-5]])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(TrellisError, match=r"^here: what Trellis keeps about this certificate is not readable"):
        read_record(text, "here")


def test_a_file_is_described_by_its_certificate() -> None:
    (printed,) = parse(line(RECORD.to_json(), encoded(dump_certificates(ROOT.chain)), "abc", "600"), "ny1")
    actual = actual_of(printed, "served")
    assert actual.key == ResourceKey("certificate", "edge-1/shop.example", "ny1")
    assert actual.owner == RECORD.owner
    assert dict(actual.state) == {
        "sha256": "abc",
        "written": "abc",
        "mode": 0o600,
        "fingerprint": fingerprint(ROOT.certificate),
        "ends": ROOT.certificate.not_valid_after_utc.isoformat(),
        "served": "served",
        "unfinished": False,
    }


@pytest.mark.parametrize(
    "certificates", ["-", "=", encoded("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n")]
)
def test_a_missing_or_damaged_file_has_no_certificate(certificates: str) -> None:
    (printed,) = parse(line(RECORD.to_json(), certificates), "ny1")
    state = actual_of(printed, "").state
    assert (state["fingerprint"], state["ends"], state["mode"]) == ("", "", 0)


def test_an_answer_that_is_none_is_an_error() -> None:
    with pytest.raises(TrellisError, match="unexpected answer while looking at certificates"):
        list(parse("command not found", "ny1"))
