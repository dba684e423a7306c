"""From which addresses a host's traffic comes, and how its own containers are told apart."""

import ipaddress
from collections.abc import Iterable
from hashlib import sha256

from trellis.hosts import Host, HostFacts, Interface

# A bridge's address is the same on many hosts, so it tells nobody apart.
_LOCAL_BRIDGES = ("docker", "br-", "virbr", "veth", "cni", "lxc", "podman", "lo")


def addresses_of(host: Host, facts: HostFacts | None) -> tuple[str, ...]:
    """The addresses that other hosts see when this one connects to them, sorted; both families.

    That is the declared one, and those of the interfaces that carry it or a default route.
    """
    known = {declared} if (declared := _usable(host.address)) else set()
    for interface in facts.interfaces if facts else ():
        if not interface.name.startswith(_LOCAL_BRIDGES):
            found = _usable_addresses(interface)
            if interface.default_route or declared in found:
                known |= found
    return tuple(sorted(known))


def _usable_addresses(interface: Interface) -> set[str]:
    return {address for one in interface.addresses if (address := _usable(one.partition("/")[0]))}


def _usable(text: str) -> str:
    """The address in its canonical form; empty when it is none, or means only the host itself."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return "" if address.is_loopback or address.is_link_local or address.is_unspecified else str(address)


def is_address(text: str) -> bool:
    """Whether it is a number: a host that is named is guarded at all of its addresses."""
    return ":" in text or text.replace(".", "").isdecimal()


def is_loopback(text: str) -> bool:
    """Whether nobody else can reach that address."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


def split_families(networks: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The IPv4 ones and the IPv6 ones; what another one contains is left out, as sets of intervals want it."""
    parsed = [ipaddress.ip_network(text) for text in networks]
    four = [one for one in parsed if isinstance(one, ipaddress.IPv4Network)]
    six = [one for one in parsed if isinstance(one, ipaddress.IPv6Network)]
    return (
        tuple(map(_written, ipaddress.collapse_addresses(four))),
        tuple(map(_written, ipaddress.collapse_addresses(six))),
    )


def _written(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def container_macs(container: str) -> tuple[str, str]:
    """The two MAC addresses of a container, from its whole name: its successor may run beside it for a while.

    They are locally administered (IEEE 802, second bit), and stay the same over restarts, reboots and moves, unlike
    the address that the engine hands out.
    """
    found = sha256(container.encode()).digest()
    return _mac(found[:5], 0), _mac(found[:5], 1)


def _mac(tail: bytes, last_bit: int) -> str:
    octets = [0x02, *tail[:4], (tail[4] & 0xFE) | last_bit]
    return ":".join(f"{octet:02x}" for octet in octets)
