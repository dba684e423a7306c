"""What a host's rules say, and whether a path is open, in words; pure."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trellis.blueprint import Protocol
from trellis.deployment import DeployedInstance
from trellis.firewall.addressing import container_macs
from trellis.firewall.desiring import SSH
from trellis.firewall.ground import Ground
from trellis.firewall.merging import described
from trellis.firewall.model import ANYONE, Exit, Guard, Limit, Ruleset


@dataclass(frozen=True, slots=True)
class Line:
    """One path that a host's rules let through.

    Attributes:
        host: where.
        direction: ``in`` or ``out``.
        who: whose port it is, or who connects: ``mariadb-1 MariaDB.sql``.
        protocol: tcp or udp.
        port: on the host that listens.
        peers: addresses and networks at the other end; ``anyone``, ``this host``.
        why: the connection that needs it.
    """

    host: str
    direction: str
    who: str
    protocol: str
    port: int
    peers: tuple[str, ...]
    why: str


def lines_of(host: str, rules: Ruleset, names: Mapping[str, str]) -> Iterator[Line]:
    """Every path, a line each.

    Args:
        host: its name.
        rules: its ruleset.
        names: address to the host or container that has it, for readers.
    """
    for guard in rules.guards:
        yield from _lines_in(host, guard, names)
    for opening in rules.openings if rules.exclusive else ():
        peers = _named(opening.networks, names)
        yield Line(host, "in", host, opening.protocol, opening.port, peers, opening.why)
    for one in rules.exits:
        yield from _lines_out(host, one, names)
    for limit in rules.limits:
        for target in limit.allowed:
            peers = _named(target.networks, names)
            yield Line(host, "out", limit.instance, target.protocol, target.port, peers, target.why)


def _lines_in(host: str, guard: Guard, names: Mapping[str, str]) -> Iterator[Line]:
    for allowed in guard.allowed:
        beside = dict.fromkeys(names.get(mac, mac) for mac in allowed.containers)
        peers = (*_named(allowed.networks, names), *beside)
        yield Line(host, "in", guard.serves, guard.protocol, guard.port, peers or ("this host",), allowed.why)
    if not guard.allowed:
        yield Line(host, "in", guard.serves, guard.protocol, guard.port, ("this host",), "nobody connects to it")


def _lines_out(host: str, one: Exit, names: Mapping[str, str]) -> Iterator[Line]:
    inside = tuple(dict.fromkeys(names.get(mac, mac) for mac in one.containers))
    who = ", ".join(inside) or f"{host} itself"
    for address, port in one.ends:
        if names.get(address) != host:
            yield Line(host, "out", who, one.protocol, port, _named((address,), names), one.why)


def _named(networks: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    if set(ANYONE) <= set(networks):
        return ("anyone",)
    return tuple(f"{names[network]} ({network})" if network in names else network for network in networks)


def names_in(ground: Ground) -> dict[str, str]:
    """Each address of a host, and each container's, to its name."""
    found = {address: host for host in ground.hosts for address in ground.addresses(host)}
    for one in ground.deployment.instances:
        found |= dict.fromkeys(container_macs(one.name), f"{one.service.name.lower()}-{one.index}")
    return found


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects.

    Attributes:
        name: as it was asked for.
        addresses: whence its packets come for other hosts.
        host: where it is; empty for an address that is none of the environment's.
        instance: the instance, when it is one.
    """

    name: str
    addresses: tuple[str, ...]
    host: str = ""
    instance: DeployedInstance | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a path is open, and why, a sentence for each side that has a say."""

    open: bool
    reasons: tuple[str, ...]


def judge(
    client: Client, server: str, protocol: Protocol, port: int, rules: Mapping[str, Ruleset], ground: Ground
) -> Verdict:
    """Whether the client reaches that port of the host.

    Args:
        client: who connects.
        server: the host's name, or an address that is none of a host.
        protocol: tcp or udp.
        port: there.
        rules: of each host that answered.
        ground: what they were made from.
    """
    let_out, out = _out(client, server, protocol, port, rules, ground)
    if server not in ground.hosts:
        return Verdict(let_out, out or (f"{server} is no host of the environment, and {client.name} is not limited",))
    let_in, into = _in(client, server, protocol, port, rules)
    return Verdict(let_out and let_in, (*out, into))


def _out(
    client: Client, server: str, protocol: Protocol, port: int, rules: Mapping[str, Ruleset], ground: Ground
) -> tuple[bool, tuple[str, ...]]:
    there = set(ground.addresses(server)) if server in ground.hosts else {server}
    if not _may_leave(client, there, protocol, port, rules):
        return False, (f"of the containers on {client.host} only those that declare it may connect to it",)
    limit = _limit_of(client, rules)
    if limit is None:
        return True, ()
    for target in limit.allowed:
        if target.protocol == protocol and target.port in {0, port} and _within(tuple(there), target.networks):
            return True, (f"{client.name} may connect to it: {target.why}",)
    return False, (f"{client.name} may connect to what it declares only, and declares no connection to it",)


def _may_leave(client: Client, there: set[str], protocol: Protocol, port: int, rules: Mapping[str, Ruleset]) -> bool:
    if client.instance is None or client.host not in rules:
        return True
    macs = set(container_macs(client.instance.name))
    ends = {(address, port) for address in there}
    minded = [one for one in rules[client.host].exits if one.protocol == protocol and ends & set(one.ends)]
    return all(macs & set(one.containers) for one in minded)


def _limit_of(client: Client, rules: Mapping[str, Ruleset]) -> Limit | None:
    if client.instance is None or client.host not in rules:
        return None
    macs = container_macs(client.instance.name)
    return next((one for one in rules[client.host].limits if one.containers == macs), None)


def _in(client: Client, server: str, protocol: Protocol, port: int, rules: Mapping[str, Ruleset]) -> tuple[bool, str]:
    if server not in rules:
        return False, f"{server} does not answer, so nobody knows"
    here = rules[server]
    if protocol == "tcp" and port in (here.ssh_ports or (SSH,)):
        return True, "Trellis and operators come in there by ssh"
    guard = next((one for one in here.guards if (one.protocol, one.port) == (protocol, port)), None)
    if guard is not None:
        return _through(guard, client, server)
    if not here.exclusive:
        return True, f"{protocol} {port} on {server} is no port of the stack: Trellis leaves it alone"
    for opening in here.openings:
        if (opening.protocol, opening.port) == (protocol, port) and _within(client.addresses, opening.networks):
            return True, opening.why
    return False, f"{server} is exclusive, and nothing opens {protocol} {port} to {client.name}"


def _through(guard: Guard, client: Client, server: str) -> tuple[bool, str]:
    what = described(guard)
    if client.host == server and client.instance is None:
        return True, f"{server} itself always reaches {what}"
    for allowed in guard.allowed:
        if _is_allowed(client, server, allowed.networks, allowed.containers):
            return True, f"{what} lets it in: {allowed.why}"
    return False, f"nothing opens {what} on {server} to {client.name}"


def _is_allowed(client: Client, server: str, networks: tuple[str, ...], containers: tuple[str, ...]) -> bool:
    if set(ANYONE) <= set(networks):
        return True
    if client.host == server and client.instance is not None and client.instance.service.network == "stack":
        return bool(set(container_macs(client.instance.name)) & set(containers))
    return client.host == server or _within(client.addresses, networks)


def _within(addresses: tuple[str, ...], networks: tuple[str, ...]) -> bool:
    found = [ipaddress.ip_network(network) for network in networks]
    return any(ipaddress.ip_address(address) in network for address in addresses for network in found)
