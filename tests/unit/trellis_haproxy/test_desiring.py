"""The resources that a placed stack gets."""

from dataclasses import replace

from trellis.blueprint import Blueprint, EndpointSpec, ServiceSpec
from trellis.deployment import DeployedInstance, DeployedSite, Deployment, HostAddress
from trellis.hosts import Host, HostFacts
from trellis.resources import Owner, ResourceKey
from trellis_haproxy import HAProxy, trellis_resources

EDGE = ServiceSpec(
    "Edge",
    "shop/haproxy:2.6",
    endpoints=(
        EndpointSpec("http", 80, public=True),
        EndpointSpec("https", 443, public=True, tls=True),
        EndpointSpec("other", 81, host_port=8081),
    ),
    network="host",
    provided_by="trellis_haproxy",
)
HOSTS = {name: Host(name) for name in ("ny1", "ny2")}


def deployment(answering: tuple[str, ...] = ("ny1", "ny2")) -> Deployment:
    instances = tuple(
        DeployedInstance(EDGE, "Web", index, HOSTS[host], f"shop-prod-edge-{index}")
        for index, host in ((1, "ny1"), (2, "ny2"))
    )
    site = DeployedSite(
        name="public",
        domain="shop.example",
        path="/",
        tls=True,
        service="Website",
        endpoint="http",
        health_path="/healthz",
        servers=(("website-1", HostAddress("10.0.0.1", 1)),),
    )
    return Deployment(
        environment="prod",
        blueprint=Blueprint("shop", (EDGE,)),
        config={},
        hosts={name: HOSTS[name] for name in answering},
        facts={name: HostFacts() for name in answering},
        instances=instances,
        sites=(site,),
    )


def test_each_host_with_a_proxy_gets_one_with_its_mounts():
    one, two = trellis_resources(deployment())
    assert one.key == ResourceKey("haproxy-config", "edge-1", "ny1")
    assert two.key == ResourceKey("haproxy-config", "edge-2", "ny2")
    assert one.owner == Owner("Web", "Edge", 1)
    assert one.requires == (ResourceKey("image", "shop/haproxy:2.6", "ny1"),)
    assert (one.spec["container"], one.spec["ports"]) == ("shop-prod-edge-1", (80, 8081))
    assert one.spec["tls_ports"] == (443,)
    assert one.spec["mounts_into"] == {
        "container": "edge-1",
        "mounts": (
            {
                "type": "bind",
                "source": "/var/lib/trellis/shop/prod/edge-1/etc",
                "target": "/etc/haproxy",
                "read_only": True,
            },
            {
                "type": "bind",
                "source": "/var/lib/trellis/shop/prod/edge-1/run",
                "target": "/run/haproxy",
                "read_only": False,
            },
        ),
    }
    assert "server website-1:10.0.0.1:1 10.0.0.1:1 check inter 2s fall 2 rise 1\n" in str(one.spec["config"])


def test_a_host_that_did_not_answer_gets_none():
    assert [resource.key.host for resource in trellis_resources(deployment(("ny2",)))] == ["ny2"]


def test_a_stack_without_proxies_gets_none():
    assert trellis_resources(replace(deployment(), instances=())) == ()


def test_the_service_class_listens_on_the_public_web_port():
    assert str(HAProxy.http) == "HAProxy.http"
