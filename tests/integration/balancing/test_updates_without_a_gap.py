"""A site over TLS is updated, moved, grown, shrunk, its certificate renewed and its proxies reloaded under load.

No request fails, also none of 10 s; websockets are closed when the time to drain is over, and not before.
"""

import re
import ssl
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from load import Load
from visiting import visit
from workplace import Workplace, until

from trellis_lab import Lab

HTTPS = 8488
DOMAIN = "site.localhost"
PROGRAM = '''
"""A site behind two proxies."""

from trellis import Role, Rollout, Service, Stack, exactly, listens, one_per_host, runs, site
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="trellis-test/web:1", relocatable=True, rollout=Rollout(drain=12))
class Website(Service):
    http = listens(8080, health="/healthz")
    public = site("site.localhost", http)

    def env(self) -> dict[str, str]:
        return {"INSTANCE": self.name}


@stack.service()
class Proxy(HAProxy):
    http = listens(8188, public=True)
    https = listens(8488, public=True)


@stack.role
class Edge(Role):
    proxy = runs(Proxy, one_per_host)


@stack.role
class Web(Role):
    website = runs(Website, exactly(2))
'''


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/web", "shop/haproxy")
    lab.load("trellis-test/web:1", "trellis-test/web:2", "trellis-test/web:fading", "shop/haproxy:2.6")
    made = workplace(lab, "gapless", PROGRAM)
    made.environment({"h1": ["edge"], "h2": ["edge", "web"], "h3": ["web"]})
    yield made
    made.trellis("destroy", "--yes")


@pytest.fixture(scope="module")
def trusting(place: Workplace) -> ssl.SSLContext:
    """As visitors who trust the environment's own authority alone; the site answers them."""
    place.trellis("up", "--yes")
    found = ssl.create_default_context(cadata=place.trellis("cert", "ca").out)
    for address, port in proxies(place):
        until(partial(is_served, address, port, found), what=address)
    return found


def is_served(address: str, port: int, trusting: ssl.SSLContext) -> bool:
    try:
        return visit(address, port, DOMAIN, trusting=trusting).status == 200
    except OSError:
        return False


def proxies(place: Workplace) -> list[tuple[str, int]]:
    return [(str(place.lab.host(name).address), HTTPS) for name in ("h1", "h2")]


LONG = 10.0
"""Seconds that a long request takes; instances have a little more to drain."""


def under_load(place: Workplace, trusting: ssl.SSLContext, *words: str, status: int = 0) -> tuple[Load, str]:
    """The load, and what the program said; an `up` when no other words are given."""
    load = Load(proxies(place), DOMAIN, LONG, trusting)
    try:
        load.wait_for(10)
        text = place.trellis(*(words or ("up", "--yes")), status=status).text
        load.wait_for(10)
    finally:
        load.end()  # what began before the operation is finished first
    assert all(load.answered[kind] > 0 for kind in ("kept", "new", "body", "slow", "websocket")), load.answered
    return load, text


def closed_after_the_drain(text: str) -> int:
    """How many connections Trellis said that it closed, as they outlasted the time to drain."""
    return sum(int(count) for count in re.findall(r"(\d+) (?:request|requests) or connections? still open after", text))


def test_two_instances_are_updated_one_after_the_other_and_requests_of_10_s_are_finished(
    place: Workplace, trusting: ssl.SSLContext
) -> None:
    place.change("trellis-test/web:1", "trellis-test/web:2")
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    assert load.versions == {"1", "2"}
    assert "does not answer while" not in text
    assert load.closed == closed_after_the_drain(text) > 0, text
    assert load.closed <= 4, "only websockets of the replaced instances are closed"
    assert place.plan() == []


def test_one_instance_that_starts_first_is_updated_without_a_gap(place: Workplace, trusting: ssl.SSLContext) -> None:
    place.change("Rollout(drain=12)", "Rollout(start_first=True, drain=12)")
    place.change("exactly(2)", "exactly(1)")
    load, text = under_load(place, trusting)
    assert load.failures == [], "an instance that goes for good is drained, too"
    place.change("trellis-test/web:2", "trellis-test/web:1")
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    assert load.versions == {"1", "2"}
    assert "does not answer while" not in text
    assert place.plan() == []


def test_instances_are_added_and_moved_and_proxies_reloaded(place: Workplace, trusting: ssl.SSLContext) -> None:
    place.change("exactly(1)", "exactly(3)")
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    place.change(
        '    public = site("site.localhost"',
        '    more = site("more.localhost", http)\n    public = site("site.localhost"',
    )
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    assert "reloading HAProxy" in text
    assert load.closed == 0, "websockets stay with the worker that they came to"
    place.environment({"h1": ["edge"], "h2": ["edge"], "h3": ["web"]})
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    assert [len(names) for names in place.containers().values()] == [1, 1, 3]
    assert place.plan() == []


def test_a_certificate_is_renewed_and_every_connection_goes_on(place: Workplace, trusting: ssl.SSLContext) -> None:
    load, text = under_load(place, trusting, "cert", "renew")
    assert "Renewed: more.localhost, site.localhost" in text
    assert load.failures == [], text
    assert load.closed == 0, "a websocket outlasts the certificate with which it began"


def test_a_canary_that_fades_goes_back_and_nobody_notices(place: Workplace, trusting: ssl.SSLContext) -> None:
    place.change("Rollout(start_first=True, drain=12)", "Rollout(canary=1, watch=6, drain=12)")
    place.change("trellis-test/web:1", "trellis-test/web:fading")
    load, text = under_load(place, trusting, status=4)
    assert load.failures == [], text
    assert "did not stay healthy" in text
    assert "the old one runs again" in text
    place.change("trellis-test/web:fading", "trellis-test/web:1")
    place.trellis("up", "--yes")
    assert place.plan() == []


def test_a_service_goes_to_another_role_and_nobody_notices(place: Workplace, trusting: ssl.SSLContext) -> None:
    place.environment({"h1": ["edge"], "h2": ["edge"], "h3": ["web"]})
    place.trellis("up", "--yes")
    in_a_repository(place)
    place.environment({"h1": ["edge", "frontend"], "h2": ["edge"], "h3": ["web"]})
    place.trellis("extract", "Website", "--to", "Frontend", "--change", "split")
    place.trellis("change", "apply", "split", "--yes")
    before = place.containers()
    assert {verb for verb, key, _ in place.plan() if key.startswith("container:website")} == {"move"}
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    after = place.containers()
    assert [len(after[host]) for host in ("h1", "h2", "h3")] == [1 + len(before["h3"]), 1, 0]
    assert set(after["h1"]) - set(before["h1"]) == set(before["h3"]), "each is what it was, elsewhere"
    assert place.plan() == []
    place.environment({"h1": ["edge", "frontend"], "h2": ["edge", "back"], "h3": ["back"]})
    place.trellis("set", "Web.website.count", "at_least(1).per_host", "--change", "split")
    place.trellis("extract", "Website", "--to", "Back", "--change", "split")
    place.trellis("change", "apply", "split", "--yes")
    load, text = under_load(place, trusting)
    assert load.failures == [], text
    assert [len(names) for names in place.containers().values()] == [1, 1 + 1, 1], "counted over each host, too"
    assert place.plan() == []


def in_a_repository(place: Workplace) -> None:
    (place.folder / ".gitignore").write_text(".trellis/\n")
    who = ("-c", "user.name=An Operator", "-c", "user.email=operator@example.org")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=place.folder, check=True)
