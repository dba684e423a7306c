from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from trellis.console.authority import admission, authority, issue_client, issue_server, revoke_client, server
from trellis.console.deciding import Asked, decide
from trellis.errors import UsageError
from trellis.pki.model import Credentials, Leaf, Use
from trellis_dsl.secret import Secret

NOW = datetime(2026, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
APPROVED = {"operator": ("up", "status"), "gone": ("up",)}


class Kept(dict[str, Secret]):
    """What `environments/dev.keys.yaml` holds."""

    def put(self, key: str, value: Secret) -> None:
        self[key] = value

    def all(self) -> Mapping[str, Secret]:
        return dict(self)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def client(kept: Kept, name: str = "prod", lifetime: timedelta = YEAR) -> bytes:
    return der(issue_client(authority(kept, "shop", "dev", NOW), kept, name, lifetime, NOW))


def der(credentials: Credentials) -> bytes:
    return credentials.certificate.public_bytes(Encoding.DER)


def decided(
    kept: Kept, certificate: bytes, method: str = "GET", now: datetime = NOW, **more: object
) -> tuple[int, str]:
    path, query = str(more.get("path", "/publications/dev")), bytes(str(more.get("query", "")), "ascii")
    asked = Asked(method, path, certificate, bool(more.get("body")), query)
    decision = decide(asked, admission(kept), "dev", now, APPROVED)
    return decision.status, decision.why


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_of_the_console_may_read(kept: Kept, method: str) -> None:
    assert decided(kept, client(kept), method) == (200, "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "CONNECT", ""])
def test_nothing_else_than_reading_is_allowed(kept: Kept, method: str) -> None:
    assert decided(kept, client(kept), method) == (403, f"{method} is refused: publications are only read here")


def test_a_body_is_refused(kept: Kept) -> None:
    assert decided(kept, client(kept), body=True)[0] == 403


def test_no_damaged_or_foreign_certificate_gets_in(kept: Kept) -> None:
    good = client(kept)
    assert decided(kept, b"") == (403, "no certificate was presented")
    assert decided(kept, good[:-9]) == (403, "the certificate is damaged")
    foreign = decided(kept, client(Kept()))
    assert foreign == (403, "not trusted: no path leads to an authority that is trusted")


def test_before_an_authority_was_made_nobody_gets_in(kept: Kept) -> None:
    assert decided(kept, client(Kept())) == (403, "no authority is trusted")


def test_its_own_certificate_as_a_server_is_no_clients(kept: Kept) -> None:
    issue_server(authority(kept, "shop", "dev", NOW), kept, ("console.example",), YEAR, NOW)
    assert decided(kept, der(server(kept, "dev"))) == (403, "not a certificate for a client")


def test_the_time_decides(kept: Kept) -> None:
    certificate = client(kept, lifetime=timedelta(days=2))
    assert decided(kept, certificate, now=NOW + timedelta(days=2))[0] == 200
    late = decided(kept, certificate, now=NOW + timedelta(days=2, seconds=1))
    assert late == (403, "expired on 2026-03-03 00:00 UTC")


def test_every_certificate_of_a_client_is_taken_back_and_a_new_one_is_good(kept: Kept) -> None:
    old, other = [client(kept), client(kept)], client(kept, "other")
    assert revoke_client(kept, "prod", "keyCompromise", NOW) == 2
    assert [decided(kept, item) for item in old] == [(403, "certificate prod was revoked")] * 2
    assert decided(kept, other)[0] == 200
    assert decided(kept, client(kept))[0] == 200


def test_who_has_no_certificate_cannot_lose_one(kept: Kept) -> None:
    client(kept)
    with pytest.raises(UsageError, match="no client pord has a certificate; there are: prod"):
        revoke_client(kept, "pord", "unspecified", NOW)


def test_a_console_without_a_certificate_says_how_to_get_one(kept: Kept) -> None:
    with pytest.raises(UsageError, match="has no certificate yet") as refused:
        server(kept, "dev")
    assert refused.value.hint == "trellis cert issue --server NAME -e dev"


@pytest.mark.parametrize(
    "path", ["/", "/publications/", "/publications/prod", "/publications/dev/", "//publications/dev"]
)
def test_there_is_one_path(kept: Kept, path: str) -> None:
    assert decided(kept, client(kept), path=path)[0] == 404


def test_another_use_of_the_same_authority_is_refused(kept: Kept) -> None:
    from trellis.pki.issuing import issue

    signing = issue(authority(kept, "shop", "dev", NOW), Leaf("prod", Use.SIGNING), NOW)
    assert decided(kept, der(signing)) == (403, "not a certificate for a client")


@pytest.mark.parametrize("operation", ["up", "status"])
def test_who_is_approved_may_run_it(kept: Kept, operation: str) -> None:
    certificate = client(kept, "operator")
    asked = Asked("POST", f"/operations/dev/{operation}", certificate)
    assert decide(asked, admission(kept), "dev", NOW, APPROVED).operation == operation
    assert decided(kept, certificate, "POST", path=f"/operations/dev/{operation}", query="json")[0] == 200
    reading = decide(Asked("GET", "/publications/dev", certificate), admission(kept), "dev", NOW, APPROVED)
    assert (reading.status, reading.operation) == (200, "")


@pytest.mark.parametrize(
    ("name", "method", "more", "status", "why"),
    [
        ("operator", "POST", {"path": "/operations/dev/scan"}, 403, "not approved to run scan on dev"),
        ("prod", "POST", {"path": "/operations/dev/up"}, 403, "not approved to run up on dev"),
        ("Operator", "POST", {"path": "/operations/dev/up"}, 403, "not approved to run up on dev"),
        ("operator", "GET", {"path": "/operations/dev/up"}, 403, "GET is refused: an operation is run with POST"),
        ("operator", "POST", {"path": "/operations/dev/up", "body": True}, 403, "an operation takes no body"),
        ("operator", "POST", {"path": "/operations/dev/up", "query": "yes"}, 403, "no query but json"),
        ("operator", "POST", {"path": "/operations/prod/up"}, 404, "there is no such operation"),
        ("operator", "POST", {"path": "/operations/dev/destroy"}, 404, "there is no such operation"),
        ("operator", "POST", {"path": "/operations/dev/up/../status"}, 404, "there is no such operation"),
        ("operator", "POST", {"path": "/operations/dev/"}, 404, "there is no such operation"),
        ("operator", "POST", {}, 403, "POST is refused: publications are only read here"),
    ],
)
def test_nothing_else_is_run(
    kept: Kept, name: str, method: str, more: dict[str, object], status: int, why: str
) -> None:
    found, said = decided(kept, client(kept, name), method, **more)
    assert found == status
    assert why in said


def test_an_approval_does_not_outlive_the_certificate_and_holds_for_no_other_authority(kept: Kept) -> None:
    certificate = client(kept, "gone")
    assert decided(kept, certificate, "POST", path="/operations/dev/up")[0] == 200
    late = decided(kept, certificate, "POST", NOW + YEAR + timedelta(days=1), path="/operations/dev/up")
    assert late[0] == 403
    revoke_client(kept, "gone", "superseded", NOW)
    assert decided(kept, certificate, "POST", path="/operations/dev/up") == (403, "certificate gone was revoked")
    foreign = decided(kept, client(Kept(), "operator"), "POST", path="/operations/dev/up")
    assert foreign == (403, "not trusted: no path leads to an authority that is trusted")
