"""Two projects, each with its own repository: prod pulls from the console of non-prod over mutual TLS."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from chain_project import Chain, made, released
from running_console import Running, ended, root_of, start

from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis.pki.pem import bundle

PULL = ("--yes", "--set", "Web.region=us", "--set", "Web.place=there")
PATH = "/publications/dev"


@dataclass
class Both:
    """Non-prod with its console, prod, and a folder for files."""

    dev: Chain
    prod: Chain
    console: Running
    folder: Path

    def ask(self, certificate: Path, method: str = "GET", path: str = PATH, body: bytes = b"") -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=str(self.folder / "console.pem"))
        context.load_cert_chain(certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.console.port, timeout=20, context=context)
        try:
            connection.request(method, path, body=body or None)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def refs(self) -> str:
        return self.prod.git("for-each-ref")

    def refused(self) -> list[dict[str, object]]:
        return list(json.loads(self.dev("serve", "refused", "-e", "dev", "--json"))["refused"])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("console")
    (folder / "one").mkdir()
    dev = released(made(folder / "one"))
    (folder / "console.pem").write_text(root_of(dev, "dev"))
    dev("cert", "issue", "--client", "prod", "--out", str(folder / "prod.pem"), "-e", "dev")
    dev("cert", "issue", "--client", "operator", "--out", str(folder / "operator.pem"), "-e", "dev")
    dev("cert", "issue", "--client", "gone", "--out", str(folder / "gone.pem"), "-e", "dev")
    dev("cert", "revoke", "--client", "gone", "--reason", "keyCompromise", "-e", "dev")
    root = folder / "prod repository"
    dev.git("clone", "-q", "--single-branch", "--no-tags", "-b", "main", str(dev.root), str(root))
    prod = Chain(root)
    prod.git("remote", "remove", "origin")
    for name in ("dev", "test", "prod"):
        (root / "environments" / f"{name}.yaml").unlink()
    shutil.copytree(dev.root / "environments" / "trust", root / "environments" / "trust")
    console = start(dev)
    (root / "environments" / "prod.yaml").write_text(
        f"pulls_from: dev\nupstream: {console.url}\n"
        f'console: {{authority: "{folder}/console.pem", certificate: "{folder}/prod.pem"}}\n'
        'hosts: {here: {connect: "local://", roles: [Web]}}\n'
    )
    both = Both(dev, prod, console, folder)
    yield both
    code = ended(console)
    dev("destroy", "-e", "dev", "--yes")
    assert code == 0
    assert not any("Traceback" in line for line in console.lines)


def expired(both: Both) -> Path:
    """A certificate of the console's own authority whose time is over."""
    program = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime, timedelta\n"
        "from trellis.environments.keeping import KeptFile; from trellis.environments.project import find_project\n"
        "from trellis.console.authority import authority, issue_client; from trellis.pki.pem import bundle\n"
        "keeps = KeptFile(find_project(Path()), 'dev'); now = datetime.now(UTC)\n"
        "made = issue_client(authority(keeps, 's', 'dev', now), keeps, 'late', timedelta(seconds=-1), now)\n"
        "Path(sys.argv[1]).write_text(bundle(made).reveal())\n"
    )
    file = both.folder / "late.pem"
    assert both.dev.run([sys.executable, "-c", program], str(file)).returncode == 0
    return file


def foreign(both: Both) -> Path:
    now = datetime.now(UTC)
    made_up = issue(create_authority("Trellis shop/dev console", now), Leaf("prod", Use.CLIENT), now)
    (both.folder / "foreign.pem").write_text(bundle(made_up).reveal())
    return both.folder / "foreign.pem"


def with_certificate(both: Both, file: Path) -> None:
    file.chmod(0o600)
    text = (both.prod.root / "environments" / "prod.yaml").read_text()
    text = re.sub(r'certificate: "[^"]*"', f'certificate: "{file}"', text)
    (both.prod.root / "environments" / "prod.yaml").write_text(text)


def test_a_push_gets_403_and_is_recorded(base: Both) -> None:
    client = base.folder / "prod.pem"
    assert client.stat().st_mode & 0o777 == 0o600
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        status, said = base.ask(client, method, PATH, b"0" * 500)
        assert (status, said.decode()) == (403, f"{method} is refused: publications are only read here\n")
        assert base.console.said(f"refused with 403: {method} {PATH} by certificate prod")
    assert base.ask(client, "GET", PATH, b"x")[0] == 403
    assert [entry["method"] for entry in base.refused()][:5] == ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    run = newest(base.dev, "dev")
    assert (run["outcome"], run["command"]) == ("refused", f"console: GET {PATH}")


def approve(both: Both, *operations: str) -> None:
    """Say in dev's file what the client `operator` may run, and nothing of any other client."""
    file = both.dev.root / "environments" / "dev.yaml"
    text = re.sub(r"operations: .*\n", "", file.read_text())
    file.write_text(f"{text}operations: {{operator: [{', '.join(operations)}]}}\n")


def newest(chain: Chain, environment: str) -> dict[str, str]:
    """The newest line of an environment's history."""
    return dict(json.loads(chain("history", "-e", environment, "--limit", "1", "--json"))["runs"][0])


def test_prods_console_runs_what_it_is_approved_for_on_non_prod(base: Both) -> None:
    file = base.dev.root.parent / "hosts" / "motd"
    with_certificate(base, base.folder / "operator.pem")
    assert "not approved to run up on dev" in base.prod("console", "up", "-e", "prod", code=3)
    approve(base, "up", "status", "scan")
    file.write_text("changed by hand\n")
    document = json.loads(base.prod.out("console", "status", "-e", "prod", "--json"))
    assert (document["environment"], document["pending"]) == ("dev", 1)
    assert "here" in base.prod("console", "scan", "-e", "prod")
    told = base.prod("console", "up", "-e", "prod")
    assert "Plan: 0 to create, 1 to change, 0 to remove on 1 host" in told
    assert file.read_text() == "hi from dev in lab\n"
    run = newest(base.dev, "dev")
    assert run["outcome"] == "done"
    assert re.search(r"for certificate operator, SHA-256 [0-9a-f]{16} at 127\.0\.0\.1$", run["operator"])
    assert base.prod.out("console", "up", "-e", "prod").endswith("No changes: everything is as the stack says.\n")
    base.dev("config", "set", "Web.region", "moon", "-e", "dev")
    file.parent.rename(file.parent.with_name("gone"))
    file.parent.write_text("in the way")
    try:
        told = base.prod("console", "up", "-e", "prod", code=4)
    finally:
        file.parent.unlink()
        file.parent.with_name("gone").rename(file.parent)
    assert "error:" in told, "its error and its exit code are those of the operation"
    base.dev("config", "set", "Web.region", "lab", "-e", "dev")
    with_certificate(base, base.folder / "prod.pem")


def test_an_operation_that_is_not_approved_is_refused_and_in_the_history(base: Both) -> None:
    approve(base, "status")
    for file, path, why in (
        ("operator", "up", "not approved to run up on dev"),
        ("prod", "status", "not approved to run status on dev"),
        ("gone", "status", "certificate gone was revoked"),
    ):
        status, said = base.ask(base.folder / f"{file}.pem", "POST", f"/operations/dev/{path}")
        assert (status, said.decode()) == (403, f"{why}\n")
        run = newest(base.dev, "dev")
        assert (run["outcome"], run["command"]) == ("refused", f"console: POST /operations/dev/{path}")
        assert run["summary"] == f"refused with 403: {why}"
        assert run["operator"].startswith(f"certificate {file}, SHA-256 ")
    assert base.ask(base.folder / "operator.pem", "POST", "/operations/dev/status", b"x")[0] == 403
    assert base.ask(base.folder / "operator.pem", "GET", "/operations/dev/status")[0] == 403
    assert base.ask(base.folder / "operator.pem", "POST", "/operations/dev/destroy")[0] == 404
    text = (base.dev.root / "environments" / "dev.yaml").read_text()
    (base.dev.root / "environments" / "dev.yaml").write_text(text + "operations: {}\n")  # no YAML: twice the same key
    assert base.ask(base.folder / "operator.pem", "POST", "/operations/dev/status")[0] == 403
    (base.dev.root / "environments" / "dev.yaml").write_text(text)


def test_non_prod_runs_nothing_on_prod(base: Both) -> None:
    root = base.prod("cert", "issue", "--server", "127.0.0.1", "-e", "prod")
    (base.folder / "prods.pem").write_text(
        root[root.index("-----BEGIN") : root.index("-----END CERTIFICATE-----") + 26]
    )
    base.prod("cert", "issue", "--client", "dev", "--out", str(base.folder / "dev.pem"), "-e", "prod")
    console = start(base.prod, "prod")
    try:
        for file, why in (
            ("dev", "not approved to run up on prod"),
            ("operator", "no path leads to an authority that is trusted"),
        ):
            (base.dev.root / "environments" / "back.yaml").write_text(
                f"pulls_from: prod\nupstream: {console.url}\n"
                f'console: {{authority: "{base.folder}/prods.pem", certificate: "{base.folder}/{file}.pem"}}\n'
            )
            before = base.refs()
            assert why in base.dev("console", "up", "-e", "back", code=3)
            assert base.refs() == before
            run = newest(base.prod, "prod")
            assert (run["outcome"], run["command"]) == ("refused", "console: POST /operations/prod/up")
            assert why in run["summary"]
    finally:
        (base.dev.root / "environments" / "back.yaml").unlink()
        assert ended(console) == 0


@pytest.mark.parametrize(
    ("kind", "why"), [("foreign", "not trusted"), ("expired", "expired on"), ("revoked", "was revoked")]
)
def test_a_bad_certificate_gets_403_and_is_recorded_and_nothing_changes_at_prod(
    base: Both, kind: str, why: str
) -> None:
    makers = {"foreign": foreign, "expired": expired, "revoked": lambda both: both.folder / "gone.pem"}
    file = makers[kind](base)
    before = base.refs()
    for method in ("GET", "POST"):
        status, said = base.ask(file, method)
        assert status == 403
        assert why in said.decode()
    with_certificate(base, file)
    told = base.prod("promote", "7.2", "-e", "prod", *PULL, code=3)
    assert "the console refuses" in told
    assert why in told
    assert base.refs() == before
    assert why in str(base.refused()[-1]["why"])
    assert base.refused()[-1]["client"] == "127.0.0.1"
    assert newest(base.dev, "dev")["outcome"] == "refused"
    assert why in newest(base.dev, "dev")["summary"]
    with_certificate(base, base.folder / "prod.pem")


def test_without_a_certificate_there_is_no_connection(base: Both) -> None:
    context = ssl.create_default_context(cafile=str(base.folder / "console.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", base.console.port, timeout=20, context=context)

    def ask() -> None:
        connection.request("GET", PATH)
        connection.getresponse()  # TLS 1.3 tells a client after its own handshake

    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask()
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["/", "/publications/", "/publications/prod", "/publications/../publications/dev", "/publications/%64ev",
     "/publications/dev/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"],
)  # fmt: skip
def test_nothing_but_the_publications_is_there(base: Both, path: str) -> None:
    assert base.ask(base.folder / "prod.pem", "GET", path)[0] == 404


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost:", b"GET /" + b"a" * 5_000_000], ids=["slow", "large"])
def test_a_head_that_never_ends_is_given_up(base: Both, head: bytes) -> None:
    context = ssl.create_default_context(cafile=str(base.folder / "console.pem"))
    context.load_cert_chain(base.folder / "prod.pem")
    began, answer = monotonic(), b""
    with (
        socket.create_connection(("127.0.0.1", base.console.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        suppress(ssl.SSLError, ConnectionError),
    ):
        client.sendall(head)
        answer = client.recv(20)
    assert answer in {b"", b"HTTP/1.1 400 Bad Req"}
    assert monotonic() - began < 15
    assert base.ask(base.folder / "prod.pem", "HEAD") == (200, b"")


def test_prod_pulls_what_was_published_and_its_plan_runs_and_what_is_tampered_with_is_refused(base: Both) -> None:
    told = base.prod("promote", "7.2", "-e", "prod", *PULL)
    assert "Web.region" in told
    assert (base.dev.root.parent / "hosts" / "motd").read_text() == "hi from there in us\n"
    assert base.prod.git("rev-parse", "release/7.2") == base.dev.git("rev-parse", "release/7.2")
    assert base.console.said("gave dev's publications to certificate prod")
    older = base.dev.git("rev-parse", "refs/trellis/published/dev")
    base.dev("publish", "7.2", "-e", "dev", "--withdraw", "--reason", "orders get lost")
    newer = base.dev.git("rev-parse", "refs/trellis/published/dev")
    base.prod("pull", "7.2", "-e", "prod", "--yes")  # it has it; it sees the withdrawal
    before = base.prod.git("for-each-ref", "refs/heads", "refs/tags", "refs/trellis/decided", "refs/trellis/seen")
    for ref, why in (
        (tampered(base.dev, newer, 0), "was changed"),
        (tampered(base.dev, newer, -1), "was changed"),
        (older, "older publications than those that were seen already were put back"),
    ):
        base.dev.git("update-ref", "refs/trellis/published/dev", ref)
        told = base.prod("pull", "7.2", "-e", "prod", "--yes", code=3)
        assert why in told
        now = base.prod.git("for-each-ref", "refs/heads", "refs/tags", "refs/trellis/decided", "refs/trellis/seen")
        assert now == before
    base.dev.git("update-ref", "refs/trellis/published/dev", newer)


def tampered(dev: Chain, ledger: str, number: int) -> str:
    """The ledger with one bit of a record changed, by whoever holds the repository."""
    lines = dev.git("ls-tree", ledger).splitlines()
    blob = lines[number].split()[2]
    text = dev.git("cat-file", "blob", blob)
    place = text.index('"payload": "') + 40
    changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :] + "\n"
    lines[number] = lines[number].replace(blob, _given(dev, changed, "hash-object", "-w", "--stdin"))
    tree = _given(dev, "\n".join(lines) + "\n", "mktree")
    return dev.git("commit-tree", "-m", "tampered", tree)


def _given(dev: Chain, text: str, *arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=dev.root, input=text, text=True, capture_output=True, check=True)
    return ended.stdout.strip()
