"""An operator's own HAProxy configuration beside Trellis's: what of it would clash; pure."""

import re
from collections.abc import Iterator, Mapping

NAME = "existing.cfg"
"""Its copy, byte for byte, beside haproxy.cfg; empty where there is none."""

_SECTION = re.compile(r"(frontend|backend|listen)\s+(\S+)")
_BIND = re.compile(r"\s+bind\s+(\S+)")
_PORTS = re.compile(r"(?P<address>.*?):(?P<first>\d+)(?:-(?P<last>\d+))?")


def clashes(existing: str, ours: str) -> list[str]:
    """What both configurations claim, as sentences: names of sections, and ports of binds."""
    theirs, mine = _names(existing), _names(ours)
    names = [f"both have a section named {name}" for name in sorted(theirs & mine)]
    taken, wanted = _binds(existing), _binds(ours)
    binds = [
        f"both bind port {port}: theirs in {taken[port]}, Trellis in {wanted[port]}"
        for port in sorted(taken.keys() & wanted.keys())
    ]
    return [*names, *binds]


def _names(text: str) -> set[str]:
    return {found[2] for line in text.splitlines() if (found := _SECTION.match(line))}


def _binds(text: str) -> Mapping[int, str]:
    """Port to section, whatever the address: the kernel would share the port between the two without a word."""
    return {port: section for section, bind in _bind_lines(text) for port in _ports(bind)}


def _bind_lines(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in text.splitlines():
        heading = _SECTION.match(line)
        section = heading[2] if heading else section
        if bind := _BIND.match(line):
            yield from ((section, address) for address in bind[1].split(","))


def _ports(bind: str) -> range:
    found = _PORTS.fullmatch(bind)
    if found is None or found["address"].startswith(("unix@", "abns@", "/")):
        return range(0)
    first = int(found["first"])
    return range(first, int(found["last"] or first) + 1)
