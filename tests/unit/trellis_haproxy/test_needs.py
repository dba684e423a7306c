"""What the firewall is told: every proxy reaches what it sends traffic to."""

from trellis.blueprint import Blueprint, EndpointSpec, ServiceSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.firewall.needs import Need
from trellis.hosts import Host
from trellis_dsl import balanced
from trellis_haproxy import trellis_connections


def test_a_proxy_reaches_the_endpoints_that_it_offers_and_asks():
    edge = ServiceSpec("Edge", "haproxy:1", endpoints=(EndpointSpec("http", 80),), provided_by="trellis_haproxy")
    database = ServiceSpec(
        "DB",
        "db:1",
        endpoints=(
            EndpointSpec("agent", 8008),
            EndpointSpec("sql", 3306, balanced=balanced(check="/primary", check_port=8008)),
        ),
    )
    proxies = (DeployedInstance(edge, "Front", 1, Host("a"), "s-e-edge-1"),)
    deployment = Deployment("e", Blueprint("s", (database, edge)), {}, {}, {}, proxies, ())
    assert trellis_connections(deployment) == (
        Need("Edge", "DB", "sql", "Edge offers DB.sql"),
        Need("Edge", "DB", "agent", "Edge asks whether DB.sql may get connections"),
    )
