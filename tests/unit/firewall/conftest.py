"""A shop on three hosts, on paper."""

from collections.abc import Callable

import pytest

from trellis.firewall.ground import Ground
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host, HostFacts, Interface
from trellis.testing.placed import placed
from trellis_dsl import (
    Role,
    Service,
    Stack,
    allow_from,
    allow_to,
    connects_to,
    listens,
    one_per_host,
    one_per_role,
    runs,
)

MakeGround = Callable[..., Ground]


def shop() -> Stack:
    stack = Stack("shop")

    @stack.service(image="db:1")
    class DB(Service):
        sql = listens(3306, host_port=3306)
        office = allow_from("203.0.113.0/24", to=sql)

    @stack.service(image="web:1")
    class Web(Service):
        db = connects_to(DB.sql)
        http = listens(8080, host_port=8080, public=True)
        payments = allow_to("203.0.113.0/24", port=443)

    @stack.role
    class Data(Role):
        db = runs(DB, one_per_role)
        backup = allow_from("198.51.100.7", to=DB.sql)
        metrics = allow_from("198.51.100.8", to=9100)

    @stack.role
    class Front(Role):
        web = runs(Web, one_per_host)
        probes = allow_to("2001:db8::/32", protocol="udp")

    return stack


@pytest.fixture
def ground() -> MakeGround:
    """The shop's ground: `ground(mode="actual")`; the database could run on a and b, and runs on a."""

    def make(*, exclusive: bool = False, **settings: object) -> Ground:
        hosts = [
            Host("a", address="10.0.0.1", roles=("data",), exclusive=exclusive),
            Host("b", address="10.0.0.2", roles=("data", "front")),
            Host("c", address="10.0.0.3", roles=("front",)),
        ]
        wide = HostFacts(
            cpus=4.0,
            memory=1 << 34,
            disk=1 << 40,
            interfaces=(
                Interface("docker0", ("172.17.0.1/16",)),
                Interface("eth0", ("203.0.113.3/24", "2001:db8::3/64", "fe80::1/64"), default_route=True),
                Interface("eth1", ("10.0.0.3/24",)),
                Interface("lo", ("127.0.0.1/8", "::1/128")),
            ),
            extra={"firewall_tools": "iptables", "ssh_port": "2222"},
        )
        firewall = FirewallSettings(**settings)  # type: ignore[arg-type]  # each by its name
        return placed(shop(), hosts, firewall=firewall, pins={"DB": ("a",)}, facts={"c": wide}).ground()

    return make
