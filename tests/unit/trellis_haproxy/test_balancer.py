"""Where HAProxy wants certificates."""

from dataclasses import replace

import pytest

from trellis.certifying import CertificatePlace
from trellis.errors import UsageError
from trellis.plugin.contracts import AnswersSites, UsesCertificates
from trellis.resources import Owner, ResourceKey
from trellis_haproxy import trellis_balancers

from .test_desiring import deployment

(HAPROXY,) = trellis_balancers()


def places(found):
    assert isinstance(HAPROXY, UsesCertificates)
    return HAPROXY.certificate_places(found)


def test_each_proxy_has_a_place_for_the_names_of_each_site():
    found = deployment()
    (site,) = found.sites
    one, two = places(replace(found, sites=(replace(site, aliases=("WWW.shop.example", "shop.example")),)))
    assert one == CertificatePlace(
        balancer="haproxy",
        host="ny1",
        name="edge-1",
        container="shop-prod-edge-1",
        folder="/var/lib/trellis/shop/prod/edge-1/etc/certs",
        challenges="/var/lib/trellis/shop/prod/edge-1/etc/acme.map",
        ports=(443,),
        plain_ports=(80, 8081),
        groups=(("shop.example", "www.shop.example"),),
        owner=Owner("Web", "Edge", 1),
        config=ResourceKey("haproxy-config", "edge-1", "ny1"),
        runs=ResourceKey("container", "edge-1", "ny1"),
    )
    assert (two.host, two.name) == ("ny2", "edge-2")


def test_hosts_that_did_not_answer_and_plain_sites_have_none():
    assert [place.host for place in places(deployment(("ny2",)))] == ["ny2"]
    found = deployment()
    assert places(replace(found, sites=tuple(replace(site, tls=False) for site in found.sites))) == ()


def test_a_name_that_is_none_is_refused():
    found = deployment()
    with pytest.raises(UsageError, match="is not the name of a host"):
        places(replace(found, sites=tuple(replace(site, aliases=("a b",)) for site in found.sites)))


def test_a_site_is_answered_at_every_proxy_that_visitors_reach():
    found = deployment(("ny2",))
    assert isinstance(HAPROXY, AnswersSites)
    assert [(site.url, site.service, str(site.answers)) for site in HAPROXY.site_addresses(found)] == [
        ("https://shop.example/", "Website", "127.0.0.1:443"),
        ("https://shop.example/", "Website", "127.0.0.1:443"),
    ]
    plain = replace(found, sites=tuple(replace(site, tls=False, path="/old") for site in found.sites))
    assert {site.url for site in HAPROXY.site_addresses(plain)} == {"http://shop.example/old"}
