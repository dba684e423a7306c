"""Renders a ruleset as an nftables table (nft 0.9.8 and later); pure.

A packet to a port that the engine publishes is forwarded, and known by its original destination; one to a port of the
host itself, or to the engine's own proxy, is input. An accept here ends only this table's chain: what others drop they
still drop, and what others accept this table may still drop.
"""

from collections.abc import Iterable, Iterator

from trellis.firewall.addressing import is_address, split_families
from trellis.firewall.backends import comment_text
from trellis.firewall.model import ANYONE, Exit, Guard, Limit, Ruleset, united

_LONGEST_COMMENT = 120

_NEIGHBOURS = 'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept comment "neighbours"'
"""Without it nothing of IPv6 leaves a container: it asks its host for addresses first (RFC 4861)."""

_HEAD = """\
# Trellis writes this file, for {name}. The next run undoes other changes.
table inet {table}
delete table inet {table}
table inet {table} {{
"""


def render(rules: Ruleset, name: str) -> str:
    """The text for ``nft -f``."""
    table = f"trellis-{name}"
    chains = [*_guarding(rules), *_leaving(rules), *_limiting(rules)]
    body = "\n".join(line for chain in chains for line in chain)
    return f"{_HEAD.format(name=name, table=table)}{body}\n}}\n"


def _chain(name: str, lines: Iterable[str], hook: str = "") -> list[str]:
    head = [f"        type filter hook {hook}; policy accept;"] if hook else []
    return [f"    chain {name} {{", *head, *(f"        {line}" for line in lines), "    }"]


def _guarding(rules: Ruleset) -> Iterator[list[str]]:
    guards = [guard for guard in rules.guards if rules.exclusive or not guard.public]
    for guard in guards:
        yield _chain(_chain_of(guard), _peers(guard))
    yield _chain("input", _input(rules, guards), "input priority -10")
    yield _chain("forward", _forward(rules, guards), "forward priority -10")


def _chain_of(guard: Guard) -> str:
    address = guard.address.replace(":", "_")
    return f"{guard.protocol}_{guard.port}" + (f"_{address}" if address else "")


def _peers(guard: Guard) -> Iterator[str]:
    yield 'fib saddr type local accept comment "this host itself"'
    for allowed in guard.allowed:
        yield from _sources(allowed.networks, "saddr", f"accept {_comment(allowed.why)}")
        if allowed.containers:
            yield f"ether saddr {_set(allowed.containers)} accept {_comment(allowed.why)}"
    yield "counter drop"


def _comment(why: str) -> str:
    """A comment of nft holds no quotes, and 128 bytes at most."""
    return f'comment "{comment_text(why, _LONGEST_COMMENT)}"'


def _sources(networks: Iterable[str], side: str, verdict: str) -> Iterator[str]:
    if set(ANYONE) <= set(networks):
        yield verdict
        return
    for family, some in zip(("ip", "ip6"), split_families(networks), strict=True):
        if some:
            yield f"{family} {side} {_set(some)} {verdict}"


def _set(items: Iterable[str]) -> str:
    every = list(items)
    return every[0] if len(every) == 1 else f"{{ {', '.join(every)} }}"


def _input(rules: Ruleset, guards: Iterable[Guard]) -> Iterator[str]:
    if rules.ssh_ports:
        yield f'tcp dport {_set(map(str, rules.ssh_ports))} accept comment "Trellis and operators come in by ssh"'
    yield "ct state established,related accept"
    yield 'iif "lo" accept'
    for guard in guards:
        yield f"{_family(guard)}{guard.protocol} dport {guard.port} goto {_chain_of(guard)}"
    if rules.exclusive:
        yield from _rest_of_input(rules)


def _rest_of_input(rules: Ruleset) -> Iterator[str]:
    """What a host cannot do without, and the ports that operators asked for."""
    yield "meta l4proto { icmp, ipv6-icmp } accept"
    yield 'udp sport 67 udp dport 68 accept comment "DHCP"'
    yield 'udp sport 547 udp dport 546 accept comment "DHCPv6"'
    for opening in rules.openings:
        verdict = f"{opening.protocol} dport {opening.port} accept {_comment(opening.why)}"
        yield from _sources(opening.networks, "saddr", verdict)
    yield 'counter drop comment "this host is exclusive"'


def _family(guard: Guard) -> str:
    return f"{'ip6' if ':' in guard.address else 'ip'} daddr {guard.address} " if is_address(guard.address) else ""


def _forward(rules: Ruleset, guards: Iterable[Guard]) -> Iterator[str]:
    yield "ct state established,related accept"
    for guard in guards:
        where = ""
        if is_address(guard.address):
            where = f"ct original {'ip6' if ':' in guard.address else 'ip'} daddr {guard.address} "
        match = f"ct status dnat meta l4proto {guard.protocol} {where}ct original proto-dst {guard.port}"
        yield f"{match} goto {_chain_of(guard)}"
    if rules.exclusive:
        yield 'ct status dnat counter drop comment "this host is exclusive"'


def _leaving(rules: Ruleset) -> Iterator[list[str]]:
    """What leaves this host for a guarded port elsewhere; what comes in for a container of ours is translated."""
    if rules.exits:
        rest = (line for one in rules.exits for line in _exit(one))
        first = ("ct state established,related accept", "ct status dnat accept")
        yield _chain("leave", [*first, *rest], "forward priority -8")


def _exit(one: Exit) -> Iterator[str]:
    for family in ("ip", "ip6"):
        ends = [f"{address} . {port}" for address, port in one.ends if (":" in address) == (family == "ip6")]
        if ends:
            match = f"{family} daddr . {one.protocol} dport {{ {', '.join(ends)} }}"
            if one.containers:
                yield f"{match} ether saddr {_set(one.containers)} accept {_comment(one.why)}"
            yield f"{match} counter reject"


def _limiting(rules: Ruleset) -> Iterator[list[str]]:
    """Chains of their own, because an accept of one must not pass over the drop of another."""
    if not rules.limits:
        return
    own = united(limit.containers for limit in rules.limits)
    for limit in rules.limits:
        yield _chain(f"from_{limit.instance}", _targets(limit))
    jumps = [f"ether saddr {_set(limit.containers)} goto from_{limit.instance}" for limit in rules.limits]
    first = "ct state established,related accept"
    # The engine may let the host see what containers of one network say to each other.
    inside = f'ether daddr {_set(own)} accept comment "containers of one network"'
    yield _chain("limit_input", [first, _NEIGHBOURS, *jumps], "input priority -9")
    yield _chain("limit_forward", [first, inside, *jumps], "forward priority -9")


def _targets(limit: Limit) -> Iterator[str]:
    yield "meta l4proto { tcp, udp } ct original proto-dst 53 accept"
    for target in limit.allowed:
        verdict = f"accept {_comment(target.why)}"
        port = f"meta l4proto {target.protocol}" + (f" ct original proto-dst {target.port}" if target.port else "")
        for family, some in zip(("ip", "ip6"), split_families(target.networks), strict=True):
            if some:
                yield f"{port} ct original {family} daddr {_set(some)} {verdict}"
    yield "counter reject"
