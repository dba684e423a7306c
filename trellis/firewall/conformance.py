"""What every firewall backend is held to: rulesets and packets to try, and what a ruleset says about a packet.

A backend's tests evaluate the text that it renders, and compare. Needs `hypothesis`.
"""

import ipaddress
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from trellis.blueprint import Protocol
from trellis.firewall.model import ANYONE, Allowance, Exit, Guard, Limit, Opening, Ruleset, Target

HERE = ("10.0.0.1", "2001:db8::1")
"""The host's own addresses."""

NAME_SERVER_PORT = 53


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection, as a host's firewall sees it.

    Attributes:
        hook: ``input`` is for the host itself; ``forward`` goes on to somebody else, such as a container.
        protocol: tcp or udp.
        source: whence it comes.
        destination: whither its sender sent it, before the engine translated that.
        port: likewise.
        translated: the engine did, because it publishes a container's port there.
        from_mac: the sender's, on the wire or bridge that it came in by.
        to_mac: the receiver's there.
    """

    hook: Literal["input", "forward"]
    protocol: Protocol
    source: str
    destination: str
    port: int
    translated: bool = False
    from_mac: str = "02:ff:ff:ff:ff:00"
    to_mac: str = "02:ff:ff:ff:ff:02"


def lets_through(rules: Ruleset, packet: Packet) -> bool:
    """What the ruleset says about a packet."""
    return _lets_in(rules, packet) and _lets_leave(rules, packet) and _lets_out(rules, packet)


def _lets_in(rules: Ruleset, packet: Packet) -> bool:
    if packet.hook == "input" and packet.protocol == "tcp" and packet.port in rules.ssh_ports:
        return True
    guard = next((one for one in rules.guards if _is_for(one, packet)), None)
    if guard is not None and (rules.exclusive or not guard.public):
        allowed = any(
            _within(packet.source, one.networks) or packet.from_mac in one.containers for one in guard.allowed
        )
        return allowed or packet.source in HERE
    if not rules.exclusive:
        return True
    return not packet.translated if packet.hook == "forward" else any(_is_open(one, packet) for one in rules.openings)


def _is_for(guard: Guard, packet: Packet) -> bool:
    at = (guard.protocol, guard.port) == (packet.protocol, packet.port) and guard.address in {"", packet.destination}
    return at and (packet.hook == "input" or packet.translated)


def _is_from(allowance: Allowance, packet: Packet) -> bool:
    return packet.from_mac in allowance.containers or _within(packet.source, allowance.networks)


def _is_open(opening: Opening, packet: Packet) -> bool:
    at = (opening.protocol, opening.port) == (packet.protocol, packet.port)
    return at and _within(packet.source, opening.networks)


def _lets_leave(rules: Ruleset, packet: Packet) -> bool:
    if packet.hook == "input" or packet.translated:
        return True
    end = (packet.destination, packet.port)
    minded = [one for one in rules.exits if one.protocol == packet.protocol and end in one.ends]
    return all(packet.from_mac in one.containers for one in minded)


def _lets_out(rules: Ruleset, packet: Packet) -> bool:
    limit = next((one for one in rules.limits if packet.from_mac in one.containers), None)
    own = {mac for one in rules.limits for mac in one.containers}
    if limit is None or (packet.hook == "forward" and packet.to_mac in own) or packet.port == NAME_SERVER_PORT:
        return True
    return any(
        target.protocol == packet.protocol
        and target.port in {0, packet.port}
        and _within(packet.destination, target.networks)
        for target in limit.allowed
    )


def _within(address: str, networks: tuple[str, ...]) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(network) for network in networks)


_PORTS = st.sampled_from((22, 53, 80, 3306, 9100, 20001))
_PROTOCOLS: st.SearchStrategy[Protocol] = st.sampled_from(("tcp", "udp"))
_ADDRESSES = st.sampled_from((*HERE, "10.0.0.2", "10.0.0.3", "203.0.113.9", "2001:db8::2", "fd00::9"))
_ELSEWHERE = st.sampled_from(("10.0.0.2", "10.0.0.3", "2001:db8::2"))
_NETWORKS = st.one_of(
    st.just(ANYONE),
    st.lists(
        st.sampled_from(("10.0.0.2", "10.0.0.3", "10.0.0.0/29", "203.0.113.0/24", "2001:db8::2", "fd00::/8")),
        unique=True,
    ).map(lambda found: tuple(sorted(found))),
)
_MACS = st.sampled_from(tuple(f"02:00:00:00:0{number}:0{bit}" for number in range(3) for bit in (0, 1)))
_WHY = st.sampled_from(("Web.db connects to DB.sql", "Ops.office allows it from 203.0.113.0/24"))


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Rulesets as they come from placed stacks: each port is guarded once, each container limited once."""
    allowances = st.lists(st.builds(Allowance, _NETWORKS, st.lists(_MACS, max_size=2).map(tuple), _WHY), max_size=2)
    ports = draw(st.lists(st.tuples(_PROTOCOLS, _PORTS), unique=True, max_size=4))
    guards = tuple(
        Guard(protocol, port, draw(st.sampled_from(("", *HERE))), f"x-1 X.p{port}", tuple(draw(allowances)))
        for protocol, port in ports
    )
    ends = draw(st.lists(st.tuples(_PROTOCOLS, _ELSEWHERE, _PORTS), unique=True, max_size=4))
    clients = st.lists(_MACS, max_size=2, unique=True).map(tuple)
    by_protocol = {its: tuple((there, port) for other, there, port in ends if other == its) for its, _, _ in ends}
    exits = tuple(Exit(protocol, found, draw(clients), draw(_WHY)) for protocol, found in sorted(by_protocol.items()))
    targets = st.lists(st.builds(Target, _PROTOCOLS, st.one_of(st.just(0), _PORTS), _NETWORKS, _WHY), max_size=3)
    limits = tuple(
        Limit(f"x-{number}", (f"02:00:00:00:0{number}:00", f"02:00:00:00:0{number}:01"), tuple(draw(targets)))
        for number in draw(st.lists(st.integers(0, 2), unique=True, max_size=2))
    )
    openings = tuple(draw(st.lists(st.builds(Opening, _PROTOCOLS, _PORTS, _NETWORKS, _WHY), max_size=2)))
    ssh = draw(st.sampled_from(((22,), (22, 2222))))
    return Ruleset(guards, exits, limits, openings, draw(st.booleans()), ssh)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Packets to and through the host, translated ones only where they are forwarded."""
    hook: Literal["input", "forward"] = draw(st.sampled_from(("input", "forward")))
    source = draw(_ADDRESSES)
    six = ":" in source
    destination = draw(_ADDRESSES.filter(lambda address: (":" in address) == six))
    return Packet(
        hook,
        draw(_PROTOCOLS),
        source,
        destination,
        draw(_PORTS),
        translated=hook == "forward" and draw(st.booleans()),
        from_mac=draw(_MACS),
        to_mac=draw(_MACS),
    )
