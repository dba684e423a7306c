"""`stacks/sites` on four lab hosts with Pebble: three sites behind two balancers, and a database behind them, too."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from authorities import Pebble, is_installed
from visiting import Named, visit
from workplace import ROOT, Workplace, until

from trellis_lab import Lab

BALANCERS = ("h1", "h2")
HOSTS = {"h1": ["balancers"], "h2": ["balancers"], "h3": ["web", "database"], "h4": ["web"]}
DATACENTERS = {"h1": "ny", "h2": "la", "h3": "ny", "h4": "la"}
FOURTH = '''@sites.service()
class Help(Page):
    """A fourth site."""

    public = site("help.sites.test", Page.http)


@sites.service()
class Edge(HAProxy):'''


@dataclass(frozen=True)
class Sites(Workplace):
    """The stack on its hosts, and the authority that its visitors trust."""

    pebble: Pebble
    root: Path


@pytest.fixture(scope="module")
def four(built_images: Callable[..., None]) -> Iterator[Lab]:
    if not is_installed():
        part = "Pebble is missing (scripts/test-parts)"
        pytest.fail(part) if os.environ.get("CI") == "true" else pytest.skip(part)
    built_images("shop")
    with Lab.up(4, name=f"lb-{uuid.uuid4().hex[:8]}", temporary=True) as found:
        found.load("shop/mariadb:10.11", "shop/website:7.1", "shop/haproxy:2.6")
        yield found


@pytest.fixture(scope="module")
def pebble(four: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    found = Pebble(tmp_path_factory.mktemp("pebble"), 80)
    found.start()
    for name in ("shop", "blog", "help"):
        found.resolve(f"{name}.sites.test", [str(four.host(host).address) for host in BALANCERS])
    yield found
    found.stop()


@pytest.fixture(scope="module")
def place(four: Lab, pebble: Pebble, workplace: Callable[..., Workplace]) -> Iterator[Sites]:
    program = (ROOT / "stacks/sites/stack.py").read_text().replace('Stack("sites")', 'Stack("NAME")')
    made = workplace(four, "sites", program)
    root = made.folder.parent / "root.pem"
    root.write_text(pebble.root())
    sites = Sites(made.folder, made.lab, made.stack, pebble, root)
    authority = f"{{issuer: letsencrypt, directory: '{pebble.directory}', directory_ca: '{pebble.directory_ca}'}}"
    sites.environment(HOSTS, config=f"certificates: {authority}\nconfig: {{Edge.statistics_port: 8404}}\n")
    for host, datacenter in DATACENTERS.items():
        sites.change(f"  {host}: {{", f"  {host}: {{labels: {{datacenter: {datacenter}}}, ", "environments/dev.yaml")
    for key in ("MariaDB.root_password", *(f"{name}.db_password" for name in ("Shop", "Blog", "Docs"))):
        sites.secret(key, "planted-Zq7-secret")
    sites.trellis("up", "--yes")
    yield sites
    sites.trellis("destroy", "--yes")


def ask(place: Sites, host: str, domain: str, *, path: str = "/version", tls: bool = True) -> tuple[int, str, str]:
    """Status, body and cookie of one request over TLS that trusts the test's Pebble alone."""
    address = str(place.lab.host(host).address)
    found = visit(address, 443 if tls else 80, domain, path, trusting(place) if tls else None)
    return found.status, found.text, found.headers.get("set-cookie", "")


def trusting(place: Sites) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(place.root))


def certificate(place: Sites, host: str, domain: str) -> bytes:
    """The certificate that a visitor gets, checked for the name and for who issued it."""
    connection = Named(str(place.lab.host(host).address), 443, domain, trusting(place))
    try:
        connection.connect()
        names = [value for kind, value in connection.sock.getpeercert()["subjectAltName"] if kind == "DNS"]
        assert names == [domain]
        found: bytes = connection.sock.getpeercert(binary_form=True)
        return found
    finally:
        connection.close()


def answered(place: Sites, host: str, domain: str, *, tls: bool = True) -> str:
    """The answer's body, once the site answers there."""
    deadline = time.monotonic() + 40
    while True:
        try:
            status, body, _ = ask(place, host, domain, tls=tls)
            if status == 200:
                return body
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"{domain} at {host}"
        time.sleep(0.2)


def _is_answered_by(place: Sites, host: str, name: str, instance: str, *, tls: bool) -> bool:
    return bool(json.loads(answered(place, host, f"{name}.sites.test", tls=tls))["instance"] == instance)


def test_every_site_answers_at_every_balancer_from_its_own_datacenter(place: Sites) -> None:
    for host, near in (("h1", "1"), ("h2", "2")):
        for name, tls in (("shop", True), ("blog", True), ("docs", False)):
            # h3 shares ny with h1, h4 la with h2; a proxy that has just started knows its servers after a few checks.
            until(partial(_is_answered_by, place, host, name, f"{name}-{near}", tls=tls), what=f"{name} from {host}")
    assert place.plan() == []


def test_every_balancer_has_the_right_certificate_of_the_authority(place: Sites) -> None:
    for name in ("shop", "blog"):
        served = {certificate(place, host, f"{name}.sites.test") for host in BALANCERS}
        assert len(served) == 1, "one certificate, many balancers"
    listed = place.trellis("cert", "list", "--json").document["certificates"]
    assert [(one["name"], one["hosts"], one["state"]) for one in listed] == [
        (f"{name}.sites.test", ["h1", "h2"], "in use") for name in ("blog", "shop")
    ]
    with pytest.raises(ssl.SSLError):
        certificate(place, "h1", "docs.sites.test")


def test_the_sites_reach_the_database_through_the_nearest_balancer(place: Sites) -> None:
    for host, near in (("h4", "h2"), ("h3", "h1")):
        address = place.lab.host(near).address
        names = place.on(host, "sh", "-c", "docker ps --format '{{.Names}}' | grep shop-").split()
        assert f"DB={address}:3306" in place.on(host, "docker", "exec", names[0], "env")
    assert ask(place, "h1", "shop.sites.test", path="/")[0] == 200, "the page counts its visit in the database"


def test_a_visitor_of_the_shop_stays_at_one_instance(place: Sites) -> None:
    status, _, cookie = ask(place, "h1", "shop.sites.test")
    assert status == 200
    assert cookie.startswith("TRELLIS=")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie.replace("secure", "Secure")


def test_an_environment_puts_a_site_into_maintenance(place: Sites) -> None:
    place.trellis("config", "set", "Blog.maintenance", "true")
    place.trellis("up", "--yes")
    for host in BALANCERS:
        assert ask(place, host, "blog.sites.test")[:2] == (
            503,
            "This site is being worked on. Please come back in a few minutes.\n",
        )
    place.trellis("config", "set", "Blog.maintenance", "false")
    place.trellis("up", "--yes")
    answered(place, "h1", "blog.sites.test")


def test_a_connection_that_the_environment_forbids_is_refused_and_nothing_changes(place: Sites) -> None:
    denied = "firewall: {deny: [{from: Docs, to: MariaDB}]}\ncertificates:"
    place.change("certificates:", denied, "environments/dev.yaml")
    for command in (("plan",), ("up", "--yes")):
        said = place.trellis(*command, status=5).text
        assert "which is forbidden: Docs → MariaDB" in said
        assert "firewall.deny in environments/dev.yaml" in said
    answered(place, "h1", "docs.sites.test", tls=False)
    assert ask(place, "h1", "docs.sites.test", path="/", tls=False)[0] == 200, "it still reaches the database"
    place.change(denied, "certificates:", "environments/dev.yaml")
    assert place.plan() == []


def test_statistics_are_there_for_root_alone(place: Sites) -> None:
    folder = f"/var/lib/trellis/{place.stack}/dev/edge-1/run"
    assert place.on("h1", "stat", "-c", "%a", f"{folder}/statistics.sock") == "600\n"
    fetch = (
        "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; "
        'print $s "GET /metrics HTTP/1.0\\r\\n\\r\\n"; print while <$s>;'
    )
    metrics = place.on("h1", "perl", "-e", fetch, f"{folder}/statistics.sock")
    assert 'haproxy_backend_http_responses_total{proxy="shop.sites.test",code="2xx"}' in metrics


def test_the_statistics_port_answers_on_the_host_alone(place: Sites) -> None:
    fetch = (
        "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die; "
        'print $s "GET /metrics HTTP/1.0\\r\\n\\r\\n"; print while <$s>;'
    )
    assert "haproxy_process_start_time_seconds" in place.on("h2", "perl", "-e", fetch, "127.0.0.1:8404")
    for host in BALANCERS:
        with pytest.raises(OSError):  # noqa: PT011 - refused, or no answer where a firewall stands
            socket.create_connection((str(place.lab.host(host).address), 8404), timeout=2)


def test_browsers_speak_http2(place: Sites) -> None:
    for host in BALANCERS:
        told = ("--resolve", f"shop.sites.test:443:{place.lab.host(host).address}", "--cacert", str(place.root))
        asked = ["curl", "--silent", "--http2", *told, "--write-out", " %{http_version} %{http_code}"]
        said = subprocess.run([*asked, "https://shop.sites.test/version"], capture_output=True, text=True, check=True)
        assert said.stdout.endswith(" 2 200")


def test_a_site_takes_so_many_requests_a_second_of_one_client(place: Sites) -> None:
    """Of the two sites at one balancer, the one without a limit goes on."""
    docs = partial(ask, place, "h1", "docs.sites.test", tls=False)
    with ThreadPoolExecutor(8) as visitors:
        until(lambda: 429 in {status for status, _, _ in visitors.map(lambda _: docs(), range(120))}, what="a limit")
    assert ask(place, "h1", "shop.sites.test")[0] == 200
    until(lambda: docs()[0] == 200, what="a quieter client is served again")


def test_a_fourth_site_is_one_class_and_one_up(place: Sites) -> None:
    place.change("@sites.service()\nclass Edge(HAProxy):", FOURTH)
    place.change(
        "    docs = runs(Docs, one_per_host)\n",
        "    docs = runs(Docs, one_per_host)\n    help = runs(Help, one_per_host)\n",
    )
    place.secret("Help.db_password", "planted-Zq7-secret")
    place.trellis("up", "--yes")
    for host, near in (("h1", "1"), ("h2", "2")):
        assert json.loads(answered(place, host, "help.sites.test"))["instance"] == f"help-{near}"
    assert len({certificate(place, host, "help.sites.test") for host in BALANCERS}) == 1
    assert place.plan() == []


def test_two_sites_of_one_name_are_refused_by_both_names_and_nothing_changes(place: Sites) -> None:
    place.change('site("help.sites.test"', 'site("blog.sites.test"')
    said = place.trellis("up", "--yes", status=2).text
    assert "Blog.public and Help.public are both blog.sites.test" in said
    answered(place, "h1", "help.sites.test")
    place.change(
        'class Help(Page):\n    """A fourth site."""\n\n    public = site("blog',
        'class Help(Page):\n    """A fourth site."""\n\n    public = site("help',
    )


def test_an_operators_own_configuration_is_loaded_beside_and_never_overwritten(place: Sites) -> None:
    answer = "http-request return status 200 content-type text/plain string own"
    own = f"frontend own\n  bind :9090\n  mode http\n  timeout client 5s\n  {answer}\n"
    put = ("sh", "-c", 'printf "%s" "$2" >"$1"', "put", "/srv/haproxy.cfg")
    for host in BALANCERS:
        place.on(host, *put, own)
    place.trellis("config", "set", "Edge.existing", "/srv/haproxy.cfg")
    place.trellis("up", "--yes")
    for host in BALANCERS:
        assert place.page(host, 9090, "any") == "own"
        assert place.on(host, "cat", "/srv/haproxy.cfg") == own
    place.on("h1", *put, own.replace(":9090", ":80"))
    said = place.trellis("up", "--yes", status=4).text
    assert "both bind port 80: theirs in own, Trellis in _sites" in said
    place.on("h1", *put, "frontend own\n  bindd :9090\n")
    said = place.trellis("up", "--yes", status=4).text
    assert "HAProxy does not take the new configuration" in said
    assert "bindd" in said
    answered(place, "h1", "shop.sites.test")
    assert "own" in place.page("h1", 9090, "any", seconds=5), "what ran before still runs"
    place.on("h1", *put, own)
    place.trellis("up", "--yes")
    assert place.plan() == []
