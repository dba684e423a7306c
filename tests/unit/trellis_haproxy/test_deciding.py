"""What a configuration's step does, and the sentence that it shows."""

from dataclasses import asdict, replace

import pytest

from trellis.plans import Verb
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping
from trellis_haproxy.config import render
from trellis_haproxy.deciding import decide
from trellis_haproxy.facts import Printed, actual_of
from trellis_haproxy.model import Proxy, Server, SiteRoute
from trellis_haproxy.record import Record, text_digest

KEY = ResourceKey("haproxy-config", "haproxy-1", "ny1")
SHOP = SiteRoute("shop.example", "/", "/healthz", (Server("website-1", "10.0.0.1", 20001),))
BLOG = SiteRoute("blog.example", "/", "", (Server("blog-1", "10.0.0.1", 20009),))


def desired(*sites: SiteRoute, ports: tuple[int, ...] = (80,)) -> Resource:
    text, digest = render(Proxy("shop-dev-haproxy-1", "shop", "dev", ports, sites))
    spec = {
        "config": text,
        "digest": digest,
        "folder": "/var/lib/trellis/shop/dev/haproxy-1",
        "container": "shop-dev-haproxy-1",
        "image": "shop/haproxy:2.6",
        "ports": ports,
        "sites": [asdict(site) for site in sites],
    }
    return Resource(KEY, freeze_mapping(spec), Owner("Web", "HAProxy", 1))


def found(last: Resource, *, config: str | None = "", loaded: str | None = None, unfinished: bool = False):
    text = str(last.spec["config"])
    record = Record(last.spec, last.owner, (text_digest(text),), (80,), unfinished)
    printed = Printed("haproxy-1", record, text if config == "" else config)
    return actual_of(printed, "ny1", str(last.spec["digest"]) if loaded is None else loaded)


def servers(count: int) -> tuple[Server, ...]:
    return tuple(Server(f"website-{number}", "10.0.0.1", 20000 + number) for number in range(1, count + 1))


def test_a_first_configuration_names_its_sites():
    decision = decide(desired(SHOP, BLOG), None)
    assert (decision.verb, decision.reason) == (Verb.CREATE, "new config for 2 sites: shop.example, blog.example")
    assert decide(desired(), None).reason == "new config, without sites"


def test_an_equal_and_loaded_one_is_kept():
    assert decide(desired(SHOP), found(desired(SHOP))).verb is Verb.KEEP


def test_one_that_no_worker_answers_for_is_kept():
    """The container starts with it; that it does not run is the container's matter."""
    assert decide(desired(SHOP), found(desired(SHOP), loaded="")).verb is Verb.KEEP


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([SHOP], [BLOG, SHOP], "site blog.example added"),
        ([BLOG, SHOP], [SHOP], "site blog.example removed"),
        ([SHOP], [replace(SHOP, servers=servers(3))], "2 servers added: website-2, website-3"),
        ([replace(SHOP, servers=servers(3))], [replace(SHOP, servers=servers(2))], "1 server removed: website-3"),
        (
            [SHOP],
            [replace(SHOP, servers=(Server("website-1", "10.0.0.2", 20001),))],
            "1 server at another address: website-1",
        ),
        ([SHOP], [replace(SHOP, health_path="/ready")], "health check of shop.example changed"),
        (
            [SHOP],
            [replace(SHOP, servers=servers(8))],
            "7 servers added: website-2, website-3, website-4, website-5, website-6 and 2 more",
        ),
        (
            [SHOP, replace(SHOP, path="/api")],
            [replace(SHOP, servers=servers(2)), replace(SHOP, path="/api", servers=servers(2))],
            "1 server added: website-2",
        ),
    ],
)
def test_a_change_is_told_in_the_stacks_words(before, after, reason):
    decision = decide(desired(*after), found(desired(*before)))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, reason, False)
    (change,) = decision.changes
    assert change.after == desired(*after).spec["config"]


def test_a_port_and_a_site_changed_together_are_both_told():
    decision = decide(desired(SHOP, BLOG, ports=(8080,)), found(desired(SHOP)))
    assert decision.reason == "site blog.example added; port 80 → 8080"


def test_a_change_by_hand_is_drift():
    decision = decide(desired(SHOP), found(desired(SHOP), config="# mine\n"))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.UPDATE, "changed by hand, restored", True)


def test_a_removed_file_is_drift():
    decision = decide(desired(SHOP), found(desired(SHOP), config=None))
    assert (decision.verb, decision.reason, decision.drift) == (Verb.CREATE, "removed by hand, restored", True)


def test_a_worker_with_another_configuration_is_reloaded():
    decision = decide(desired(SHOP), found(desired(SHOP), loaded="0" * 64))
    assert (decision.verb, decision.reason, decision.drift) == (
        Verb.UPDATE,
        "not loaded by the running HAProxy yet",
        True,
    )


def test_an_interrupted_run_is_finished_and_is_no_drift():
    for actual, reason in (
        (found(desired(SHOP), unfinished=True), "an earlier run did not finish"),
        (found(desired(SHOP), config=None, unfinished=True), "an earlier run did not finish"),
        (found(desired(SHOP), loaded="0" * 64, unfinished=True), "not loaded by the running HAProxy yet"),
    ):
        decision = decide(desired(SHOP), actual)
        assert (decision.reason, decision.drift) == (reason, False)
        assert decision.verb is not Verb.KEEP


def test_one_that_is_no_longer_declared_is_removed():
    decision = decide(None, found(desired(SHOP)))
    assert (decision.verb, decision.reason) == (Verb.REMOVE, "no longer declared")
