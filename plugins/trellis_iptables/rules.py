"""Renders a ruleset for iptables-restore and ip6tables-restore (1.8 and later); pure.

A RETURN goes on to what others have to say; a DROP is the last word. Rules say the same as those for nft.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from trellis.firewall.addressing import is_address, split_families
from trellis.firewall.backends import comment_text
from trellis.firewall.model import ANYONE, Exit, Guard, Limit, Ruleset

_LONGEST_COMMENT = 250


@dataclass(frozen=True, slots=True)
class _Family:
    """An address family: 0 is IPv4 and 1 IPv6 in what `split_families` gives."""

    program: str
    number: int
    icmp: str

    def of(self, networks: Iterable[str]) -> tuple[str, ...]:
        """The networks of this family; one that is everything stands for itself."""
        return split_families(networks)[self.number]

    def has(self, address: str) -> bool:
        """Whether a host's address is of this family; a name or nothing is of both."""
        if ":" in address:
            return self.number == 1
        return self.number == 0 or not address.replace(".", "").isdecimal()


# Without them nothing of IPv6 leaves a container: it asks its host for addresses first (RFC 4861).
_NEIGHBOURS = tuple(f"-p ipv6-icmp -m icmp6 --icmpv6-type {number} -j RETURN" for number in (133, 135, 136))

_FAMILIES = (_Family("iptables", 0, "icmp"), _Family("ip6tables", 1, "ipv6-icmp"))


def render(rules: Ruleset, name: str) -> str:
    """The text: a part for each program, between ``# begin`` and ``# end``."""
    head = f"# Trellis writes this file, for {name}. The next run undoes other changes.\n"
    return head + "".join(_part(rules, prefix_of(name), family) for family in _FAMILIES)


def prefix_of(name: str) -> str:
    """How the chains of that name start: a chain's own name has 28 characters at most."""
    return f"TRELLIS-{sha256(name.encode()).hexdigest()[:10]}"


def _part(rules: Ruleset, prefix: str, family: _Family) -> str:
    guards = [guard for guard in rules.guards if (rules.exclusive or not guard.public) and family.has(guard.address)]
    chains = {
        "IN": list(_input(rules, guards, family)),
        "FW": list(_forward(rules, guards, family)),
        "LI": list(_limits(rules.limits, family, _NEIGHBOURS if family.number else ())),
        "LF": list(_limits(rules.limits, family, ("-m physdev --physdev-is-bridged -j RETURN",))),
    }
    lines = [f":{prefix}-{chain} - [0:0]" for chain in chains]
    lines += [f"-A {prefix}-{chain} {rule}" for chain, found in chains.items() for rule in found]
    body = "\n".join(["*mangle", *lines, "COMMIT"])
    return f"# begin {family.program}\n{body}\n# end {family.program}\n"


_ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"


def _input(rules: Ruleset, guards: Iterable[Guard], family: _Family) -> Iterator[str]:
    for port in rules.ssh_ports:
        yield f"-p tcp -m tcp --dport {port} -j RETURN"
    yield _ESTABLISHED
    yield "-i lo -j RETURN"
    for guard in guards:
        where = f"-d {guard.address} " if is_address(guard.address) else ""
        yield from _guard(f"{where}-p {guard.protocol} -m {guard.protocol} --dport {guard.port}", guard, family)
    if rules.exclusive:
        yield from _rest_of_input(rules, family)


def _rest_of_input(rules: Ruleset, family: _Family) -> Iterator[str]:
    yield f"-p {family.icmp} -j RETURN"
    client, server = (68, 67) if family.number == 0 else (546, 547)
    yield f"-p udp -m udp --sport {server} --dport {client} -j RETURN"
    for opening in rules.openings:
        for network in family.of(opening.networks):
            match = f"-p {opening.protocol} -m {opening.protocol} --dport {opening.port}"
            yield f"-s {network} {match} {_comment(opening.why)} -j RETURN"
    yield "-j DROP"


def _forward(rules: Ruleset, guards: Iterable[Guard], family: _Family) -> Iterator[str]:
    yield _ESTABLISHED
    for guard in guards:
        where = f"--ctorigdst {guard.address} " if is_address(guard.address) else ""
        match = f"-p {guard.protocol} -m conntrack --ctstate DNAT {where}--ctorigdstport {guard.port}"
        yield from _guard(match, guard, family)
    for one in rules.exits:
        yield from _exit(one, family)
    if rules.exclusive:
        yield "-m conntrack --ctstate DNAT -j DROP"


def _guard(match: str, guard: Guard, family: _Family) -> Iterator[str]:
    yield f"{match} -m addrtype --src-type LOCAL -j RETURN"
    for allowed in guard.allowed:
        for network in family.of(allowed.networks):
            source = "" if network in ANYONE else f"-s {network} "
            yield f"{source}{match} {_comment(allowed.why)} -j RETURN"
        for mac in allowed.containers:
            yield f"{match} -m mac --mac-source {mac} {_comment(allowed.why)} -j RETURN"
    yield f"{match} -j DROP"


def _exit(one: Exit, family: _Family) -> Iterator[str]:
    """What leaves this host for a guarded port elsewhere; what comes in for a container of ours is translated."""
    for address, port in one.ends:
        if not family.has(address):
            continue
        match = f"-d {address} -p {one.protocol} -m {one.protocol} --dport {port} -m conntrack ! --ctstate DNAT"
        for mac in one.containers:
            yield f"{match} -m mac --mac-source {mac} {_comment(one.why)} -j RETURN"
        yield f"{match} -j DROP"


def _limits(limits: Iterable[Limit], family: _Family, first: Iterable[str]) -> Iterator[str]:
    """What goes out; among containers of one network nothing is limited, which a bridge shows by its ports."""
    found = tuple(limits)
    if not found:
        return
    yield _ESTABLISHED
    yield from first
    for limit in found:
        for mac in limit.containers:
            yield from _limit(f"-m mac --mac-source {mac}", limit, family)


def _limit(who: str, limit: Limit, family: _Family) -> Iterator[str]:
    for protocol in ("tcp", "udp"):
        yield f"{who} -p {protocol} -m conntrack --ctorigdstport 53 -j RETURN"
    for target in limit.allowed:
        for network in family.of(target.networks):
            there = "" if network in ANYONE else f"--ctorigdst {network} "
            where = there + (f"--ctorigdstport {target.port} " if target.port else "")
            match = f"-p {target.protocol} " + (f"-m conntrack {where}" if where else "")
            yield f"{who} {match}{_comment(target.why)} -j RETURN"
    yield f"{who} -j DROP"


def _comment(why: str) -> str:
    return f'-m comment --comment "{comment_text(why, _LONGEST_COMMENT)}"'
