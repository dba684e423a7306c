"""For random stacks: a path is open when it was declared, and closed when it was not; the hosts' rules say the same."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trellis.deployment import DeployedInstance
from trellis.firewall.addressing import container_macs
from trellis.firewall.asking import client_of
from trellis.firewall.conformance import HERE, Packet, lets_through
from trellis.firewall.desiring import rulesets
from trellis.firewall.explaining import Client, judge
from trellis.firewall.ground import Ground
from trellis.firewall.model import Ruleset
from trellis.firewall.settings import FirewallSettings
from trellis.hosts import Host
from trellis.testing.placed import placed
from trellis_dsl import Role, Service, Stack, connects_to, listens, one_per_host, one_per_role, runs, site
from trellis_haproxy import HAProxy
from trellis_haproxy.needs import proxy_needs

OUTSIDE = "203.0.113.9"
IN_A_CONTAINER = "172.18.0.5"
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Drawn:
    """A random stack on its hosts.

    Attributes:
        ground: what the rules are made from.
        declared: (service that connects, service that listens), as the stack says.
        public: services that anyone may reach.
        carried: service to the hosts that carry its role.
        potential: the mode.
        limited: egress is what was declared.
    """

    ground: Ground
    declared: frozenset[tuple[str, str]]
    public: frozenset[str]
    carried: dict[str, frozenset[str]]
    potential: bool
    limited: bool

    def expected(self, client: Client, service: str, server: DeployedInstance) -> bool:
        """What was promised, from the declarations alone."""
        if client.instance is not None:
            declares = (service, server.service.name) in self.declared
            return (declares or server.service.name in self.public) and (declares or not self.limited)
        if server.service.name in self.public or client.host == server.host.name:
            return True
        return any(client.host in self.places(one) for one, other in self.declared if other == server.service.name)

    def places(self, service: str) -> frozenset[str]:
        """Whence a service connects: a host cannot be told from what runs on its own network or behind its address."""
        running = frozenset(one.host.name for one in self.ground.instances(service))
        return running | self.carried[service] if self.potential else running


@st.composite
def stacks(draw: st.DrawFn) -> Drawn:
    count = draw(st.integers(2, 4))
    stack = Stack("random")
    classes: list[type[Service]] = []
    declared: set[tuple[str, str]] = set()
    public, sites = set(), []
    for number in range(count):
        name, is_public = f"S{number}", draw(st.booleans())
        ends = {"http": listens(9000 + number, public=is_public)}
        peers = draw(st.lists(st.sampled_from(classes), unique=True, max_size=2)) if classes else []
        links = {f"to_{peer.__name__.lower()}": connects_to(peer.http) for peer in peers}  # type: ignore[attr-defined]  # each has it
        if has_site := draw(st.booleans()):
            links["page"] = site(f"{name.lower()}.test", ends["http"], tls=False)  # type: ignore[assignment]  # a declaration like the others
            sites.append(name)
        made = type(name, (Service,), {"__module__": "stack", **ends, **links})
        classes.append(stack.service(image="a:1", host_network=draw(st.booleans()), relocatable=True)(made))
        declared |= {(name, peer.__name__) for peer in peers}
        public |= {name} if is_public else set()
        del has_site
    carried = {}
    hosts = [f"h{number}" for number in range(draw(st.integers(1, 3)))]
    roles: dict[str, list[str]] = {host: [] for host in hosts}
    every: list[type[Service]] = list(classes)
    if sites and draw(st.booleans()):
        every.append(stack.service()(type("Proxy", (HAProxy,), {"__module__": "stack"})))
        declared |= {("Proxy", name) for name in sites}
        public.add("Proxy")
    for cls in every:
        policy = one_per_host if cls.__name__ == "Proxy" else draw(st.sampled_from((one_per_host, one_per_role)))
        role = f"R{cls.__name__}"
        stack.role(type(role, (Role,), {"__module__": "stack", "it": runs(cls, policy)}))
        on = draw(st.lists(st.sampled_from(hosts), unique=True, min_size=1))
        carried[cls.__name__] = frozenset(on)
        for host in on:
            roles[host].append(role.lower())
    found = placed(
        stack,
        [
            Host(host, address=f"10.0.1.{number}", roles=tuple(roles[host]), exclusive=draw(st.booleans()))
            for number, host in enumerate(hosts, start=1)
        ],
        firewall=FirewallSettings(
            mode=draw(st.sampled_from(("potential", "actual"))), egress=draw(st.sampled_from(("open", "declared")))
        ),
    )
    ground = found.ground(proxy_needs(found.deployment))
    kept = ground.settings
    return Drawn(
        ground,
        frozenset(declared),
        frozenset(public),
        carried,
        potential=kept.mode == "potential",
        limited=kept.egress == "declared",
    )


def clients(ground: Ground) -> list[tuple[Client, str]]:
    """Everyone who could connect, and the service that they are."""
    instances = [
        (client_of(f"{one.service.name.lower()}-{one.index}", ground), one.service.name)
        for one in ground.deployment.instances
    ]
    return [*((client_of(host, ground), "") for host in ground.hosts), *instances, (client_of(OUTSIDE, ground), "")]


@FEW
@given(drawn=stacks())
def test_what_was_declared_is_open_and_nothing_else_is_and_the_rules_agree(drawn: Drawn) -> None:
    ground = drawn.ground
    rules = rulesets(ground)
    for client, service in clients(ground):
        for server in ground.deployment.instances:
            endpoints = [one for one in server.service.endpoints if one.name == "http"]
            for endpoint in endpoints:
                port = server.published[endpoint.name].port
                verdict = judge(client, server.host.name, endpoint.protocol, port, rules, ground)
                path = f"{client.name} → {server.name}: {verdict.reasons}"
                assert verdict.open == drawn.expected(client, service, server), path
                assert all(lets_through(*one) for one in packets(client, server, port, rules)) == verdict.open, path


def packets(
    client: Client, server: DeployedInstance, port: int, rules: dict[str, Ruleset]
) -> list[tuple[Ruleset, Packet]]:
    """The first packet of a connection at each firewall that it passes."""
    there, at = rules[server.host.name], server.host.address
    translated = server.service.network == "stack"
    arrives = Packet("forward" if translated else "input", "tcp", OUTSIDE, at, port, translated=translated)
    if client.instance is None:
        own = client.host == server.host.name
        source = HERE[0] if own else client.addresses[0]
        # What a host sends to itself is not forwarded.
        hook = "input" if own else arrives.hook
        return [(there, Packet(hook, "tcp", source, at, port, translated=translated and hook == "forward"))]
    mac = container_macs(client.instance.name)[0]
    if client.host == server.host.name:
        return [
            (there, Packet(arrives.hook, "tcp", IN_A_CONTAINER, at, port, translated=translated, from_mac=mac)),
        ]
    return [
        (rules[client.host], Packet("forward", "tcp", IN_A_CONTAINER, at, port, from_mac=mac)),
        (there, Packet(arrives.hook, "tcp", client.addresses[0], at, port, translated=translated)),
    ]
