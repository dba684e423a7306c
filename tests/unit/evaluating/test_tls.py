"""Sites over TLS in the blueprint: aliases, and ports that are there only when needed."""

from pathlib import Path

import pytest

from trellis.blueprint import Blueprint
from trellis.errors import StackError
from trellis.evaluating import evaluate
from trellis.loading import load_stack

STACK = """
from trellis import *
from trellis_haproxy import HAProxy
shop = Stack("shop")

@shop.service()
class Edge(HAProxy):
    http = listens(8080, public=True)
    https = listens(8443, public=True)

@shop.service(image="web:1")
class Web(Service):
    more = default(["www.shop.example"], "more names")
    number = default(4, "a number")
    http = listens(8080)
    public = site({site})

@shop.role
class Front(Role):
    edge = runs(Edge, one_per_host)
    web = runs(Web, one_per_host)
"""


def evaluated(folder: Path, site: str) -> Blueprint:
    (folder / "stack.py").write_text(STACK.replace("{site}", site))
    return evaluate(load_stack(folder / "stack.py"), folder)


def test_a_port_for_tls_is_there_when_a_site_is_over_tls_also_where_a_subclass_moved_it(tmp_path: Path) -> None:
    found = evaluated(tmp_path, '"shop.example", http').service("Edge").endpoints
    assert [(end.name, end.port, end.tls) for end in found] == [("http", 8080, False), ("https", 8443, True)]


def test_without_a_site_over_tls_nothing_is_asked_of_its_port(tmp_path: Path) -> None:
    found = evaluated(tmp_path, '"shop.example", http, tls=False').service("Edge").endpoints
    assert [(end.name, end.port) for end in found] == [("http", 8080)]


def test_aliases_are_names_or_a_config_value(tmp_path: Path) -> None:
    (site,) = evaluated(tmp_path, '"shop.example", http, aliases=["www.shop.example"]').service("Web").sites
    assert (site.aliases, site.aliases_config) == (("www.shop.example",), "")
    (site,) = evaluated(tmp_path, '"shop.example", http, aliases=more').service("Web").sites
    assert (site.aliases, site.aliases_config) == ((), "Web.more")


@pytest.mark.parametrize(
    ("aliases", "said"),
    [("number", "a site's aliases are a list of texts; Web.number is int"), ('"www"', "aliases is a list of names")],
)
def test_other_aliases_are_refused(tmp_path: Path, aliases: str, said: str) -> None:
    with pytest.raises(StackError) as refused:
        evaluated(tmp_path, f'"shop.example", http, aliases={aliases}')
    assert refused.value.what == said
