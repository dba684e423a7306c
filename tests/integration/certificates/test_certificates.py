"""Two names on two balancers: certificates from a real ACME authority, from Trellis's own, and brought by the user."""

import json
import re
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import BusyAuthorityDouble, Pebble
from certified_project import SHOP, WWW, Load, Project

from trellis.pki.identifying import fingerprint
from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Credentials, Leaf, Use
from trellis.pki.pem import dump_certificates, dump_key

pytestmark = pytest.mark.usefixtures("pebble")

NOW = datetime.now(UTC)
AUTHORITY = create_authority("the company's own", NOW - timedelta(days=400))
LEAF = Leaf(SHOP, Use.SERVER, (SHOP, WWW))


def test_one_up_gives_both_balancers_one_certificate_for_both_names(project: Project, pebble: Pebble) -> None:
    planned = project.trellis("plan")
    assert f"none yet, from localhost:{pebble.port}" in planned
    project.trellis("up", "--yes")
    served = {project.served(host, name) for host in project.hosts for name in (SHOP, WWW)}
    assert len(served) == 1
    assert served != {""}
    for host in project.hosts:
        assert " 200 " in project.page(host, pebble.root(), WWW)
        assert project.protocol(host, pebble.root()) == "h2"
        told = project.page(host, pebble.root(), SHOP, "/cgi-bin/env")
        assert "HTTP_X_FORWARDED_PROTO=https\n" in told
        assert re.search(r"^HTTP_X_FORWARDED_FOR=\d+[.]\d+[.]\d+[.]\d+$", told, re.MULTILINE), told
        plain = project.plain(host, "/a?b=c")
        assert plain.startswith("HTTP/1.1 308")
        assert "location: https://shop.example:8492/a?b=c\r\n" in plain.lower()
        assert project.served(host, "other.example") == "", "no name, no certificate"
    assert project.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."


def test_keys_are_closed_on_hosts_and_encrypted_on_the_controller(project: Project) -> None:
    for number, host in enumerate(project.hosts, 1):
        file = f"/var/lib/trellis/{project.name}/dev/proxy-{number}/etc/certs/shop.example.pem"
        assert project.lab.execute(host, "stat", "-c", "%a %U", file)[1].split() == ["600", "root"]
    texts = [path.read_text() for path in project.folder.parent.rglob("*") if path.is_file() and path.suffix != ".db"]
    assert not [text for text in texts if "PRIVATE KEY" in text]
    state = [path.read_bytes() for path in project.folder.rglob("*.db*")]
    assert state
    assert not [content for content in state if b"PRIVATE KEY" in content]


def test_the_list_says_until_when_and_nothing_is_due(project: Project) -> None:
    (entry,) = json.loads(project.trellis("cert", "list", "--json"))["certificates"]
    assert (entry["name"], entry["names"], entry["hosts"]) == (SHOP, [SHOP, WWW], ["h1", "h2"])
    assert entry["days_left"] in {89, 90}
    assert entry["state"] == "in use"
    assert project.trellis("renew") == "Nothing is due.\n"


def test_a_renewal_under_load_fails_no_request_and_ends_no_connection(project: Project, pebble: Pebble) -> None:
    before = project.served("h1")
    load = Load(project, pebble.root())
    try:
        assert "Renewed: shop.example" in project.trellis("cert", "renew")
        answered = load.answered
        deadline = time.monotonic() + 20
        while load.answered < answered + 200 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        load.end()
    assert (load.failures, load.ended) == ([], 0)
    assert load.answered > 400
    after = {project.served(host) for host in project.hosts}
    assert len(after) == 1
    assert before not in after


def test_an_authority_that_does_not_answer_leaves_the_old_certificate(project: Project, pebble: Pebble) -> None:
    before, root = project.served("h1"), pebble.root()
    pebble.stop()
    said = project.trellis("cert", "renew", SHOP, status=4)
    assert f"warning: shop.example was not renewed: localhost:{pebble.port} does not answer" in said
    assert "the old certificate lasts until" in said
    assert project.trellis("up", "--yes").count("warning: shop.example was not renewed") == 2, "one line a host"
    assert {project.served(host) for host in project.hosts} == {before}
    assert " 200 " in project.page("h2", root)


def test_an_authority_that_forgot_the_account_and_rejects_nonces_is_asked_again(
    project: Project, pebble: Pebble
) -> None:
    before = project.served("h1")
    pebble.start(rejected_nonces=30)
    for name in (SHOP, WWW):
        pebble.resolve(name, project.addresses)
    assert "Renewed: shop.example" in project.trellis("renew")
    after = {project.served(host) for host in project.hosts}
    assert len(after) == 1
    assert before not in after


def test_a_name_that_does_not_validate_is_named_and_the_old_certificate_stays(project: Project, pebble: Pebble) -> None:
    pebble.stop()
    pebble.start()
    for name in (SHOP, WWW):
        pebble.resolve(name, project.addresses)
    before = project.served("h1")
    project.config = {"Web.more": [WWW, "nowhere.example"]}
    project.write()
    assert "names: + nowhere.example" in project.trellis("plan")
    said = project.trellis("up", "--yes", status=4)
    assert "could not validate nowhere.example: " in said
    assert "the old certificate stays, for shop.example, www.shop.example" in said
    assert {project.served(host) for host in project.hosts} == {before}
    project.config = {}
    project.write()
    project.trellis("up", "--yes")
    assert {project.served(host) for host in project.hosts} == {before}


@pytest.mark.parametrize("wait", [1, 3600])
def test_a_busy_authority_is_not_hurried(project: Project, tmp_path: Path, wait: int) -> None:
    """A short wait is waited for in the run, a long one is left to a later run, which does not even ask before."""
    busy, before = BusyAuthorityDouble(tmp_path, wait), dict(project.certificates)
    served = project.served("h1")
    project.certificates = {**before, "directory": busy.directory, "directory_ca": str(busy.directory_ca)}
    project.write()
    try:
        project.trellis("up", "--yes")
        assert busy.orders == (4 if wait == 1 else 1)
        said = project.trellis("renew", status=4)
        if wait == 3600:
            assert "asked not to be asked before" in said
            assert busy.orders == 1
        assert {project.served(host) for host in project.hosts} == {served}
    finally:
        busy.stop()
        project.certificates = before
        project.write()
        project.trellis("up", "--yes")


def test_a_run_killed_while_it_renews_is_finished_by_the_next(project: Project, pebble: Pebble) -> None:
    assert "Renewed: shop.example" in project.trellis("cert", "renew")
    for pause in (0.6, 1.2, 2.0):
        run = subprocess.Popen(project.command("cert", "renew"), env=project.environment, stderr=subprocess.DEVNULL)
        try:
            run.wait(pause)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        for host in project.hosts:
            assert " 200 " in project.page(host, pebble.root())
    project.trellis("lock", "break", "--yes", status=0)
    project.trellis("up", "--yes")
    assert project.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."
    assert len({project.served(host) for host in project.hosts}) == 1


def test_another_issuer_takes_over(project: Project) -> None:
    before = dict(project.certificates)
    project.certificates = {}
    project.write()
    planned = project.trellis("plan")
    assert f"issued by {before['directory']}, wanted from Trellis's own authority" in planned
    assert "- acme-answers" in planned
    project.trellis("up", "--yes")
    root = project.trellis("cert", "ca")
    for host in project.hosts:
        assert " 200 " in project.page(host, root)
        assert not project.plain(host, "/.well-known/acme-challenge/x").startswith("HTTP/1.1 200")
    assert project.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."


def put(folder: Path, found: Credentials) -> None:
    (folder / f"{SHOP}.pem").write_text(dump_certificates(found.chain))
    (folder / f"{SHOP}.key").write_text(dump_key(found.key).reveal())
    (folder / f"{SHOP}.key").chmod(0o600)


@pytest.fixture(scope="module")
def folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("brought")
    project.certificates = {"issuer": "files", "folder": str(found)}
    project.write()
    return found


def test_a_good_one_is_used_and_a_newer_one_takes_its_place(project: Project, folder: Path) -> None:
    for command in (("up", "--yes"), ("renew",)):
        good = issue(AUTHORITY, LEAF, NOW)
        put(folder, good)
        project.trellis(*command)
        assert {project.served(host) for host in project.hosts} == {fingerprint(good.certificate)}
        assert " 200 " in project.page("h2", dump_certificates(AUTHORITY.chain), WWW)


def bad_ones() -> dict[str, tuple[Credentials, str]]:
    good = issue(AUTHORITY, LEAF, NOW)
    old = issue(AUTHORITY, LEAF, NOW - timedelta(days=100))
    return {
        "mismatch": (Credentials(good.certificate, AUTHORITY.key), "the key is not this certificate's"),
        "expired": (old, "expired on "),
        "early": (issue(AUTHORITY, LEAF, NOW + timedelta(days=3)), "not valid before "),
        "name": (issue(AUTHORITY, Leaf(SHOP, Use.SERVER, (SHOP,)), NOW), f"not for {WWW}, only for {SHOP}"),
    }


@pytest.mark.parametrize("fault", ["mismatch", "expired", "early", "name"])
def test_a_bad_one_is_refused_by_every_command_and_the_old_one_serves(
    project: Project, folder: Path, fault: str
) -> None:
    before = {project.served(host) for host in project.hosts}
    bad, said = bad_ones()[fault]
    put(folder, bad)
    commands = [("up", "--yes"), ("plan",), ("renew",), ("cert", "list")]
    for command in commands if fault == "mismatch" else commands[:1]:
        assert said in project.trellis(*command, status=2)
    assert said in project.trellis("status"), "what runs can be looked at all the same"
    assert {project.served(host) for host in project.hosts} == before


def test_the_users_certificates_are_not_renewed_by_trellis(project: Project, folder: Path) -> None:
    put(folder, issue(AUTHORITY, LEAF, NOW))
    assert "your own certificates are renewed by you" in project.trellis("cert", "renew", status=2)


def test_a_site_without_tls_needs_none(project: Project) -> None:
    program = project.folder / "stack.py"
    program.write_text(program.read_text().replace("aliases=more)", "aliases=more, tls=False)"))
    planned = project.trellis("plan")
    assert "- certificate proxy-1/shop.example on h1: no site needs it any more" in planned
    project.trellis("up", "--yes")
    for number, host in enumerate(project.hosts, 1):
        assert project.plain(host).startswith("HTTP/1.1 200")
        folder = f"/var/lib/trellis/{project.name}/dev/proxy-{number}/etc/certs"
        assert project.lab.execute(host, "ls", "-A", folder)[1] == ""
    assert project.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."
