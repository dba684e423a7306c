"""Proxies in front of proxies, failover by health alone, and news of a service that moved."""

import json
import re
import ssl
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from visiting import Answer, visit
from workplace import Workplace, until

from trellis_lab import Lab

DOMAIN = "rows.localhost"
HTTPS = 8497
PROGRAM = '''
"""A row of proxies for the public, a row of proxies beside the services, and a store of which one is active."""

from trellis import *
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1")
class Echo(Service):
    http = listens(8080, health="/healthz")
    public = site("rows.localhost", http, sticky=True)

    def env(self):
        return {"INSTANCE": self.name}


@stack.service(image="trellis-test/echo:1")
class Store(Service):
    http = listens(8080, health="/healthz", balanced=balanced(8197, one_active=True))

    def env(self):
        return {"INSTANCE": self.name}


@stack.service(image="trellis-test/echo:1")
class Reader(Service):
    echo = connects_to(Echo.http, on_change="signal")
    store = connects_to(Store.http, on_change="nothing")
    http = listens(8080, health="/healthz")
    serve = static_file("/bin/serve", "serve", mode=0o755)


@stack.service()
class Inner(HAProxy):
    http = listens(8196, public=True)
    https = listens(8496, public=True)


@stack.service()
class Outer(HAProxy):
    inner = connects_to(Inner.http)
    http = listens(8097, public=True)
    https = listens(8497, public=True)


@stack.role
class Front(Role):
    proxy = runs(Outer, one_per_host)


@stack.role
class Back(Role):
    proxy = runs(Inner, one_per_host)


@stack.role
class Apps(Role):
    echo = runs(Echo, one_per_host)
    store = runs(Store, one_per_host)


@stack.role
class Readers(Role):
    reader = runs(Reader, one_per_role)
'''
SERVE = """#!/bin/sh
# Reads what it is told about others when it gets the signal, and not before.
trap 'exit 0' TERM
trap 'busybox cp /etc/trellis/services.json /www/told.json' HUP
busybox httpd -f -p 8080 -h /www &
while :; do wait; done
"""
ROLES = {"h1": ["front", "readers"], "h2": ["front", "back", "apps"], "h3": ["back", "apps"]}


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy")
    lab.load("trellis-test/echo:1", "shop/haproxy:2.6")
    made = workplace(lab, "rows", PROGRAM)
    (made.folder / "serve").write_text(SERVE)
    made.environment(ROLES)
    made.trellis("up", "--yes")
    yield made
    made.trellis("destroy", "--yes")


@pytest.fixture(scope="module")
def trusting(place: Workplace) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=place.trellis("cert", "ca").out)


def ask(place: Workplace, host: str, trusting: ssl.SSLContext, path: str = "/", **headers: str) -> Answer:
    """What a visitor of the first row gets, once it knows of a server that serves."""
    found: list[Answer] = []

    def is_served() -> bool:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        found.append(visit(str(place.lab.host(host).address), HTTPS, DOMAIN, path, trusting, sent))
        return found[-1].status == 200

    until(is_served, what=f"{DOMAIN} at {host}")
    return found[-1]


def container(place: Workplace, name: str) -> str:
    return f"{place.stack}-dev-{name}"


def _stays(place: Workplace, trusting: ssl.SSLContext, cookie: str, instance: str) -> bool:
    """Whether one instance answers whoever sends the cookie, at every proxy."""
    pages = [ask(place, host, trusting, "/", Cookie=cookie).text for host in ("h1", "h2") * 4]
    return all(f"instance={instance} " in page for page in pages)


def test_a_visitor_is_known_and_stays_at_one_instance_through_both_rows(
    place: Workplace, trusting: ssl.SSLContext
) -> None:
    instances = set()
    for host in ("h1", "h2"):
        first = ask(place, host, trusting, "/cgi-bin/env", X_Forwarded_Proto="http")
        told = dict(re.findall(r"^(\w+)=(.*)$", first.text, re.MULTILINE))
        assert told["HTTP_X_FORWARDED_FOR"] == first.own_address
        assert told["HTTP_X_FORWARDED_PROTO"] == "https"
        assert first.cookie.startswith("TRELLIS=")
        assert "Secure" in first.headers["set-cookie"].replace("secure", "Secure")
        assert first.headers["set-cookie"].count("TRELLIS=") == 1
        # A proxy that has just started knows its servers after a few checks.
        until(partial(_stays, place, trusting, first.cookie, told["INSTANCE"]), what=first.text)
        instances.add(told["INSTANCE"])
    assert instances <= {"echo-1", "echo-2"}
    assert place.plan() == []


def test_without_one_proxy_of_the_second_row_the_other_one_serves(place: Workplace, trusting: ssl.SSLContext) -> None:
    place.on("h3", "docker", "kill", container(place, "inner-2"))
    try:
        for _ in range(20):
            for host in ("h1", "h2"):
                address = str(place.lab.host(host).address)
                assert visit(address, HTTPS, DOMAIN, "/", trusting).status == 200, "no request fails meanwhile"
    finally:
        place.on("h3", "docker", "start", container(place, "inner-2"))


def active(place: Workplace) -> set[str]:
    """Which instances the first row leads the reader to, each proxy asked three times; with "" where none answers."""
    script = 'for host in "$@"; do printf "GET / HTTP/1.0\\r\\n\\r\\n" | busybox nc -w 2 $host 8197; echo; done; true'
    addresses = [str(place.lab.host(host).address) for host in ("h1", "h2")] * 3
    said = place.on(
        "h1", "docker", "exec", container(place, "reader-1"), "busybox", "sh", "-c", script, "ask", *addresses
    )
    found = re.findall(r"instance=(\S+)", said)
    return set(found) if len(found) == len(addresses) else {*found, ""}


def test_health_alone_decides_which_instance_is_active(place: Workplace) -> None:
    until(lambda: active(place) == {"store-1"}, what="the first one is active, at both proxies")
    place.on("h2", "docker", "kill", container(place, "store-1"))
    until(lambda: active(place) == {"store-2"}, what="the other one takes over")
    place.on("h2", "docker", "start", container(place, "store-1"))
    until(lambda: active(place) == {"store-1"}, what="both proxies go back")


def told(place: Workplace) -> list[str]:
    """Where the reader read last that the service is."""
    reader = container(place, "reader-1")
    text = place.on("h1", "docker", "exec", reader, "busybox", "sh", "-c", "busybox cat /www/told.json 2>&1; true")
    return [one["on"] for one in json.loads(text)["services"]["echo"]["instances"]] if text.startswith("{") else []


def test_a_service_that_reads_again_gets_a_signal_when_another_one_moved(place: Workplace) -> None:
    reader, started = container(place, "reader-1"), ("docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}")
    before = place.on("h1", *started, reader)
    assert told(place) == [], "it has had no signal yet"
    place.environment({**ROLES, "h2": ["front", "back"]})
    said = place.trellis("up", "--yes").text
    until(lambda: told(place) == ["h3"], what=said)
    assert place.on("h1", *started, reader) == before, "the same process"
    assert place.plan() == []
