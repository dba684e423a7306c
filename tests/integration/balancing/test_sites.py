"""`stacks/sites` on lab hosts: three sites behind two balancers, and a database behind them, too."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from workplace import ROOT, Workplace, until

from trellis_lab import Lab

BALANCERS = ("h1", "h2")
FOURTH = '''@sites.service()
class Help(Page):
    """A fourth site."""

    public = site("help.sites.test", Page.http)


@sites.service()
class Edge(HAProxy):'''


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("shop")
    lab.load("shop/mariadb:10.11", "shop/website:7.1", "shop/haproxy:2.6")
    program = (ROOT / "stacks/sites/stack.py").read_text().replace('Stack("sites")', 'Stack("NAME")')
    made = workplace(lab, "sites", program)
    made.environment({"h1": ["balancers"], "h2": ["balancers", "web"], "h3": ["web", "database"]})
    for host, datacenter in (("h1", "ny"), ("h2", "la"), ("h3", "ny")):
        made.change(f"  {host}: {{", f"  {host}: {{labels: {{datacenter: {datacenter}}}, ", "environments/dev.yaml")
    for key in ("MariaDB.root_password", *(f"{name}.db_password" for name in ("Shop", "Blog", "Docs"))):
        made.secret(key, "planted-Zq7-secret")
    made.trellis("up", "--yes")
    yield made
    made.trellis("destroy", "--yes")


def ask(place: Workplace, host: str, domain: str, *, path: str = "/version", tls: bool = True) -> tuple[int, str, str]:
    """Status, body and cookie of one request over TLS that trusts the environment's own authority alone."""
    address = str(place.lab.host(host).address)
    if tls:
        context = ssl.create_default_context(cadata=place.trellis("cert", "ca").out)
        connection: http.client.HTTPConnection = Named(address, domain, context)
    else:
        connection = http.client.HTTPConnection(address, 80, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": domain})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "")
    finally:
        connection.close()


class Named(http.client.HTTPSConnection):
    """Connects to an address, and asks for the certificate of a name."""

    def __init__(self, address: str, domain: str, context: ssl.SSLContext) -> None:
        super().__init__(address, 443, timeout=10, context=context)
        self.domain, self.tls = domain, context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.domain)


def answered(place: Workplace, host: str, domain: str, *, tls: bool = True) -> str:
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


def _is_answered_by(place: Workplace, host: str, name: str, instance: str, *, tls: bool) -> bool:
    return bool(json.loads(answered(place, host, f"{name}.sites.test", tls=tls))["instance"] == instance)


def test_every_site_answers_at_every_balancer_from_its_own_datacenter(place: Workplace) -> None:
    for host, near in (("h1", "2"), ("h2", "1")):
        for name, tls in (("shop", True), ("blog", True), ("docs", False)):
            # h3 shares ny with h1, h2 is la; a proxy that has just started knows its servers after a few checks.
            until(partial(_is_answered_by, place, host, name, f"{name}-{near}", tls=tls), what=f"{name} from {host}")
    assert place.plan() == []


def test_the_sites_reach_the_database_through_the_nearest_balancer(place: Workplace) -> None:
    for host, near in (("h2", "h2"), ("h3", "h1")):
        address = place.lab.host(near).address
        names = place.on(host, "sh", "-c", "docker ps --format '{{.Names}}' | grep shop-").split()
        assert f"DB={address}:3306" in place.on(host, "docker", "exec", names[0], "env")
    assert ask(place, "h1", "shop.sites.test", path="/")[0] == 200, "the page counts its visit in the database"


def test_a_visitor_of_the_shop_stays_at_one_instance(place: Workplace) -> None:
    status, _, cookie = ask(place, "h1", "shop.sites.test")
    assert status == 200
    assert cookie.startswith("TRELLIS=shop-2;")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie.replace("secure", "Secure")


def test_an_environment_puts_a_site_into_maintenance(place: Workplace) -> None:
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


def test_statistics_are_there_for_root_alone(place: Workplace) -> None:
    folder = f"/var/lib/trellis/{place.stack}/dev/edge-1/run"
    assert place.on("h1", "stat", "-c", "%a", f"{folder}/statistics.sock") == "600\n"
    fetch = (
        "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; "
        'print $s "GET /metrics HTTP/1.0\\r\\n\\r\\n"; print while <$s>;'
    )
    metrics = place.on("h1", "perl", "-e", fetch, f"{folder}/statistics.sock")
    assert 'haproxy_backend_http_responses_total{proxy="shop.sites.test",code="2xx"}' in metrics


def test_a_fourth_site_is_one_class_and_one_up(place: Workplace) -> None:
    place.change("@sites.service()\nclass Edge(HAProxy):", FOURTH)
    place.change(
        "    docs = runs(Docs, one_per_host)\n",
        "    docs = runs(Docs, one_per_host)\n    help = runs(Help, one_per_host)\n",
    )
    place.secret("Help.db_password", "planted-Zq7-secret")
    place.trellis("up", "--yes")
    for host, near in (("h1", "2"), ("h2", "1")):
        assert json.loads(answered(place, host, "help.sites.test"))["instance"] == f"help-{near}"
    assert place.plan() == []


def test_two_sites_of_one_name_are_refused_by_both_names_and_nothing_changes(place: Workplace) -> None:
    place.change('site("help.sites.test"', 'site("blog.sites.test"')
    said = place.trellis("up", "--yes", status=2).text
    assert "Blog.public and Help.public are both blog.sites.test" in said
    answered(place, "h1", "help.sites.test")
    place.change(
        'class Help(Page):\n    """A fourth site."""\n\n    public = site("blog',
        'class Help(Page):\n    """A fourth site."""\n\n    public = site("help',
    )


def test_an_operators_own_configuration_is_loaded_beside_and_never_overwritten(place: Workplace) -> None:
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
