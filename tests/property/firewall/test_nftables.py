"""The rendered table, read back by a small evaluator, lets through what the ruleset says and nothing else."""

import ipaddress
import re
import shlex
from collections.abc import Callable, Iterator
from itertools import chain, takewhile

from hypothesis import given, settings

from trellis.firewall.conformance import HERE, Packet, lets_through, packets, rulesets
from trellis.firewall.model import Ruleset
from trellis_nftables.rules import render


class Table:
    """A rendered table: chains of rules, each rule its words."""

    def __init__(self, text: str) -> None:
        self.chains: dict[str, list[list[str]]] = {}
        for name, body in re.findall(r"chain (\S+) \{\n(.*?)\n    \}", text, flags=re.DOTALL):
            self.chains[name] = [shlex.split(line) for line in body.splitlines()]

    def lets_through(self, packet: Packet) -> bool:
        """Whether no base chain of the packet's hook drops it; an accept ends one chain only."""
        bases = [
            name
            for name, rules in self.chains.items()
            if rules and rules[0][:4] == ["type", "filter", "hook", packet.hook]
        ]
        return all(self._verdict(name, packet) != "drop" for name in bases)

    def _verdict(self, chain: str, packet: Packet) -> str:
        for words in self.chains[chain]:
            verdict = _outcome(iter(words), packet)
            if verdict.startswith("goto "):
                return self._verdict(verdict.removeprefix("goto "), packet)
            if verdict:
                return verdict
        return "accept"


def _outcome(words: Iterator[str], packet: Packet) -> str:
    """The rule's verdict for the packet; empty when it does not match."""
    for word in words:
        match word:
            case "type":
                return ""
            case "accept":
                return "accept"
            case "drop" | "reject":
                return "drop"
            case "goto":
                return f"goto {next(words)}"
            case "counter":
                continue
            case _:
                if not _matches(word, words, packet):
                    return ""
    return ""


def _matches(word: str, words: Iterator[str], packet: Packet) -> bool:
    if word in {"ip", "ip6"}:
        address = packet.source if next(words) == "saddr" else packet.destination
        first = next(words)
        if first == ".":
            return _is_end(words, packet)
        return _is_in(address, word, _values(chain([first], words)))
    if word in {"tcp", "udp"}:
        number = str(packet.port) if next(words) == "dport" else "40000"
        return number in _values(words) and packet.protocol == word
    return _OTHERS[word](words, packet)


def _is_end(words: Iterator[str], packet: Packet) -> bool:
    """``ip daddr . tcp dport { 10.0.0.2 . 80, … }``: an address together with a port."""
    protocol = next(words)
    assert next(words) == "dport"
    listed = " ".join(takewhile(lambda word: word != "}", words)).removeprefix("{ ").split(", ")
    return protocol == packet.protocol and f"{packet.destination} . {packet.port}" in listed


def _comes_in_by(words: Iterator[str], packet: Packet) -> bool:
    return next(words) != "lo" or packet.source == "127.0.0.1"


def _is_local(words: Iterator[str], packet: Packet) -> bool:
    assert [next(words) for _ in range(3)] == ["saddr", "type", "local"]
    return packet.source in HERE


def _has_protocol(words: Iterator[str], packet: Packet) -> bool:
    assert next(words) == "l4proto"
    return packet.protocol in _values(words)


def _has_mac(words: Iterator[str], packet: Packet) -> bool:
    mac = packet.from_mac if next(words) == "saddr" else packet.to_mac
    return mac in _values(words)


def _matches_connection(words: Iterator[str], packet: Packet) -> bool:
    match next(words):
        case "state":
            next(words)
            return False  # a first packet is new
        case "status":
            assert next(words) == "dnat"
            return packet.translated
        case "original":
            what = next(words)
            if what == "proto-dst":
                return str(packet.port) in _values(words)
            assert next(words) == "daddr"
            return _is_in(packet.destination, what, _values(words))
    raise AssertionError(packet)


def _is_in(address: str, family: str, networks: list[str]) -> bool:
    parsed = ipaddress.ip_address(address)
    right_family = (parsed.version == 6) == (family == "ip6")
    return right_family and any(parsed in ipaddress.ip_network(network) for network in networks)


def _values(words: Iterator[str]) -> list[str]:
    first = next(words)
    if first != "{":
        return [first]
    found = []
    for word in words:
        if word == "}":
            return found
        found.append(word.rstrip(","))
    raise AssertionError(found)


_OTHERS: dict[str, Callable[[Iterator[str], Packet], bool]] = {
    "ct": _matches_connection,
    "ether": _has_mac,
    "fib": _is_local,
    "icmpv6": lambda _words, _packet: False,  # packets here are of TCP and UDP
    "iif": _comes_in_by,
    "meta": _has_protocol,
}


@given(rules=rulesets(), packet=packets())
@settings(max_examples=200, deadline=None)
def test_the_table_lets_through_what_the_ruleset_says(rules: Ruleset, packet: Packet) -> None:
    assert Table(render(rules, "shop-dev")).lets_through(packet) == lets_through(rules, packet)
