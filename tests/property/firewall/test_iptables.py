"""The rendered chains, read back by a small evaluator, let through what the ruleset says and nothing else."""

import ipaddress
import shlex
from collections.abc import Callable, Iterator

from hypothesis import given, settings

from trellis.firewall.conformance import HERE, Packet, lets_through, packets, rulesets
from trellis.firewall.model import Ruleset
from trellis_iptables.rules import prefix_of, render

NAME = "shop-dev"
CHAINS = {"input": ("IN", "LI"), "forward": ("FW", "LF")}


class Chains:
    """Rendered chains of one address family: each rule its words."""

    def __init__(self, text: str, program: str) -> None:
        part = text.partition(f"# begin {program}\n")[2].partition(f"# end {program}\n")[0]
        lines = [shlex.split(line) for line in part.splitlines() if line.startswith("-A ")]
        self.rules = [(words[1].removeprefix(f"{prefix_of(NAME)}-"), words[2:]) for words in lines]
        self.macs = {
            words[words.index("--mac-source") + 1]
            for chain, words in self.rules
            if chain[0] == "L" and "--mac-source" in words
        }

    def lets_through(self, packet: Packet) -> bool:
        return all(self._verdict(chain, packet) != "DROP" for chain in CHAINS[packet.hook])

    def _verdict(self, wanted: str, packet: Packet) -> str:
        for chain, words in self.rules:
            if chain == wanted and self._matches(iter(words[: words.index("-j")]), packet):
                return words[words.index("-j") + 1]
        return "RETURN"

    def _matches(self, words: Iterator[str], packet: Packet) -> bool:
        bridged = packet.to_mac in self.macs
        for word in words:
            negated = word == "!"
            match = next(words) if negated else word
            holds = bridged if match == "--physdev-is-bridged" else _MATCHES[match](next(words), packet)
            if holds == negated:
                return False
        return True


def _state(value: str, packet: Packet) -> bool:
    return packet.translated if value == "DNAT" else False  # a first packet is new


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


_MATCHES: dict[str, Callable[[str, Packet], bool]] = {
    "-m": lambda _value, _packet: True,
    "--comment": lambda _value, _packet: True,
    "-i": lambda value, _packet: value != "lo",
    "-p": lambda value, packet: value == packet.protocol,
    "-s": lambda value, packet: _within(packet.source, value),
    "-d": lambda value, packet: _within(packet.destination, value),
    "--dport": lambda value, packet: int(value) == packet.port,
    "--sport": lambda value, _packet: value == "40000",
    "--src-type": lambda _value, packet: packet.source in HERE,
    "--mac-source": lambda value, packet: value == packet.from_mac,
    "--ctstate": _state,
    "--ctorigdst": lambda value, packet: _within(packet.destination, value),
    "--ctorigdstport": lambda value, packet: int(value) == packet.port,
}


@given(rules=rulesets(), packet=packets())
@settings(max_examples=200, deadline=None)
def test_the_chains_let_through_what_the_ruleset_says(rules: Ruleset, packet: Packet) -> None:
    program = "ip6tables" if ":" in packet.source else "iptables"
    assert Chains(render(rules, NAME), program).lets_through(packet) == lets_through(rules, packet)
