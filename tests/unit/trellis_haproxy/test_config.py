"""The text of haproxy.cfg: exact for known stacks, and safe for any input."""

import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.errors import UsageError
from trellis.testing.golden import assert_golden
from trellis_dsl.sites import Handling
from trellis_haproxy.config import render
from trellis_haproxy.model import Proxy, Server, SiteRoute, TcpRoute

GOLDEN = Path(__file__).parents[2] / "golden" / "haproxy"


def website(count: int = 3) -> tuple[Server, ...]:
    return tuple(Server(f"website-{number}", "127.0.0.1", 20000 + number) for number in range(1, count + 1))


def proxy(*sites: SiteRoute, ports: tuple[int, ...] = (80,)) -> Proxy:
    return Proxy("shop-dev-haproxy-1", "shop", "dev", ports, sites)


SHOP = SiteRoute("shop.localhost", "/", "/healthz", website())

DATABASES = tuple(Server(f"mariadb-{number}", f"10.0.0.{number}", 20009) for number in (1, 2))

CASES = {
    "handled": proxy(
        replace(
            SHOP,
            handling=Handling(sticky=True, timeout=12.5, requests_per_second=50, connections=200, resend=True),
            servers=(*website(1), replace(website(2)[1], backup=True)),
        ),
        replace(SHOP, domain="later.example", handling=Handling(maintenance=True)),
    ),
    "tcp": replace(
        proxy(),
        tcp=(
            TcpRoute("MariaDB.sql", 3306, DATABASES, one_active=True, check="/primary"),
            TcpRoute("Queue.amqp", 5672, (Server("queue-1", "10.0.0.3", 20010, check_port=20011),), timeout=60),
        ),
        statistics_port=8404,
    ),
    "behind": replace(proxy(SHOP), behind=("10.0.0.1", "2001:db8::1")),
    "one-site": proxy(SHOP),
    "no-site": proxy(),
    "site-without-instances": proxy(replace(SHOP, servers=())),
    "several-sites": proxy(
        SiteRoute("blog.example", "/", "", (Server("blog-1", "10.0.0.12", 20004),)),
        SHOP,
        SiteRoute("shop.localhost", "/api", "/healthz?full=1", (Server("api-1", "10.0.0.12", 20005),)),
        SiteRoute("shop.localhost", "/api/v2", "", (Server("api_v2-1", "2001:db8::12", 20006),)),
    ),
    "two-ports": proxy(SHOP, ports=(8080, 80)),
    "tls": replace(
        proxy(
            SiteRoute("blog.example", "/", "", (Server("blog-1", "10.0.0.12", 20004),)),
            replace(SHOP, domain="shop.example", tls=True, aliases=("www.shop.example", "shop.example")),
            SiteRoute("shop.example", "/api", "", (Server("api-1", "10.0.0.12", 20005),), tls=True),
        ),
        tls_ports=(443,),
    ),
    "tls-on-another-port": replace(proxy(replace(SHOP, tls=True), ports=(8080,)), tls_ports=(9443, 8443)),
    "international": proxy(replace(SHOP, domain="Bücher.example", path="/a%20b_c~d")),
}


@pytest.mark.parametrize("name", CASES)
def test_known_stacks_give_known_configurations(name):
    text, _ = render(CASES[name])
    assert_golden(text, GOLDEN / f"{name}.cfg")


def test_one_name_is_not_plain_and_secure_at_once():
    sites = (
        replace(SHOP, tls=True),
        replace(SHOP, path="/api", domain="www.shop.localhost", aliases=("shop.localhost",)),
    )
    with pytest.raises(UsageError) as refused:
        render(replace(proxy(*sites), tls_ports=(443,)))
    assert refused.value.what == "shop.localhost is plain HTTP for www.shop.localhost/api and TLS for shop.localhost"
    assert refused.value.hint == "say tls=False at both sites, or at none"


def test_a_site_over_tls_needs_a_port_for_it():
    with pytest.raises(UsageError, match=r"shop\.localhost is served over TLS, but this proxy has no port for it"):
        render(proxy(replace(SHOP, tls=True)))


def test_an_alias_is_a_name_like_any_other():
    with pytest.raises(UsageError, match=r"2 sites are shop\.localhost"):
        render(proxy(SHOP, replace(SHOP, domain="other.example", aliases=("SHOP.localhost",))))
    with pytest.raises(UsageError, match="is not the name of a host"):
        render(proxy(replace(SHOP, aliases=("a b",))))


def test_the_digest_tells_configurations_apart_and_is_in_the_text():
    text, digest = render(proxy(SHOP))
    other_text, other = render(proxy(replace(SHOP, domain="other.localhost")))
    assert digest != other
    assert f'"shop-dev-haproxy-1 {digest}"' in text
    assert f'"shop-dev-haproxy-1 {other}"' in other_text
    assert render(proxy(SHOP)) == (text, digest)


def test_other_servers_are_the_same_structure():
    text, digest = render(proxy(SHOP))
    other_text, other = render(proxy(replace(SHOP, servers=website(2))))
    assert (text != other_text, digest == other) == (True, True)


def test_the_longest_path_of_a_domain_is_asked_first():
    rules = [line.split()[1] for line in render(CASES["several-sites"])[0].splitlines() if "use_backend" in line]
    assert rules == ["blog.example", "shop.localhost:api:v2", "shop.localhost:api", "shop.localhost"]


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (replace(SHOP, domain="shop.example\n    bind :81"), "is not the name of a host"),
        (replace(SHOP, domain="shop.example:8080"), "is not the name of a host"),
        (replace(SHOP, domain="-f"), "is not the name of a host"),
        (replace(SHOP, domain=""), "is not the name of a host"),
        (replace(SHOP, domain="a" * 64 + ".example"), "is not the name of a host"),
        (replace(SHOP, domain="*.example"), "is not the name of a host"),
        (replace(SHOP, path='/"'), "is not a path"),
        (replace(SHOP, path="/a b"), "is not a path"),
        (replace(SHOP, path="/$HOME"), "is not a path"),
        (replace(SHOP, path="shop"), "is not a path"),
        (replace(SHOP, path="/shop\n"), "is not a path"),
        (replace(SHOP, path="/100%"), "is not a path"),
        (replace(SHOP, path="/?query"), "is not a path"),
        (replace(SHOP, health_path="/healthz#x"), "is not a path"),
        (replace(SHOP, servers=(Server("a b", "10.0.0.1", 1),)), "is not the name of a container"),
        (replace(SHOP, servers=(Server("a", "10.0.0.1 backup", 1),)), "is not the name of a host"),
    ],
)
def test_what_cannot_be_used_is_refused(site, message):
    with pytest.raises(UsageError, match=message):
        render(proxy(site))


def test_two_equal_sites_are_refused_by_name():
    with pytest.raises(UsageError, match=r"2 sites are shop\.localhost/api"):
        render(proxy(replace(SHOP, path="/api"), replace(SHOP, domain="SHOP.localhost", path="/api/")))


ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\n\r\0\t \"'\\#${}%()|;,"), max_size=30)
WORDS = st.text(string.ascii_letters + string.digits + "-._/%~", max_size=20)
VALUE = ANY_TEXT | WORDS | WORDS.map(lambda text: f"/{text}")


@given(domain=VALUE, path=VALUE, health=VALUE, name=VALUE, address=VALUE)
def test_no_value_breaks_out_of_its_line(domain, path, health, name, address):
    """Whatever the values: they are refused, or the lines are those of a harmless site, word for word in number."""
    site = SiteRoute(domain, path, health, (Server(name, address, 20001),))
    try:
        text, _ = render(proxy(site))
    except UsageError:
        return
    harmless = SiteRoute(
        "a.example", "/a" if path.rstrip("/") else "/", "/a" if health else "", (Server("a-1", "10.0.0.1", 20001),)
    )
    expected, _ = render(proxy(harmless))
    assert [len(line.split(" ")) for line in text.split("\n")] == [
        len(line.split(" ")) for line in expected.split("\n")
    ]
    said = "".join(set(text) - set(expected))
    assert not set(said) & set("\"'\\$#\r\0\t{}")


@given(st.lists(st.tuples(WORDS, WORDS.map(lambda text: f"/{text}")), unique=True, max_size=6))
def test_different_sites_never_share_a_backend(sites):
    try:
        text, _ = render(proxy(*(SiteRoute(domain, path, "", ()) for domain, path in sites)))
    except UsageError:
        return
    names = [line for line in text.splitlines() if line.startswith("backend ")]
    assert len(names) == len(set(names)) == len(sites) + 1


def test_two_things_on_one_port_are_refused_and_both_are_named():
    clash = replace(CASES["tcp"], tcp=(*CASES["tcp"].tcp, TcpRoute("Other.sql", 3306, ())))
    with pytest.raises(UsageError, match=r"MariaDB.sql and Other.sql both need port 3306"):
        render(clash)
    with pytest.raises(UsageError, match=r"the sites and Web.raw both need port 80"):
        render(replace(proxy(SHOP), tcp=(TcpRoute("Web.raw", 80, ()),)))
