"""The server lines of a configuration: what changes while HAProxy runs, as against its structure; pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from trellis.deployment import HostAddress

_SECTION = re.compile(r"(backend|listen)[ \t]+(\S+)")
_SERVER = re.compile(r"    server (\S+) (\S+)(?: (.*))?")
_RELOAD_ONLY = ("cookie", "resolvers", "init-addr")
"""Words that HAProxy 2.6 does not take for a server that is added while it runs."""


_STICKY = re.compile(r"    cookie \S+ .*\bdynamic$")
_OFF = "disabled"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A server's place: a backend and a name in it."""

    backend: str
    name: str

    def __str__(self) -> str:
        """``shop.example/website-1:10.0.0.11:20001``, as the runtime API writes it."""
        return f"{self.backend}/{self.name}"

    @property
    def instance(self) -> str:
        """``website-1``."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Line:
    """One server line: its place, its address as written, its options, and whether visitors stay at such servers."""

    place: Place
    address: str
    options: str = ""
    sticky: bool = False

    def __str__(self) -> str:
        """As the file has it."""
        return f"    server {self.place.name} {self.address} {self.options}".rstrip()

    @property
    def is_off(self) -> bool:
        """Whether it gets nothing."""
        return _OFF in self.options.split()

    @property
    def off(self) -> "Line":
        """The same, where it gets nothing."""
        return self if self.is_off else replace(self, options=f"{self.options} {_OFF}".strip())

    @property
    def at_run_time(self) -> bool:
        """Whether a running HAProxy takes it; else it needs a reload."""
        return not set(self.options.split()) & set(_RELOAD_ONLY) and not re.search("[a-zA-Z]", self._host)

    @property
    def _host(self) -> str:
        return "" if self.address.startswith("[") else self.address.rpartition(":")[0]


def server_name(instance: str, answers: HostAddress) -> str:
    """``website-1:10.0.0.11:20001``: another place is another server, so that both serve while one takes over."""
    return f"{instance}:{answers.address}:{answers.port}"


def lines_of(text: str) -> Mapping[Place, Line]:
    """Every server of a configuration."""
    return {line.place: line for _, line in _located(text) if line is not None}


def structure_of(text: str) -> str:
    """The configuration without its servers."""
    return "\n".join(row for row, line in _located(text) if line is None)


def with_servers(text: str, wanted: Iterable[Line]) -> str:
    """The configuration with these servers; new ones stand last in their backends, if there are such backends."""
    lines = {line.place: line for line in wanted}
    present = lines_of(text).keys()
    rows: list[str] = []
    backend = ""
    for row, found in (*_located(text), (None, None)):
        if row is None or (row and not row[0].isspace()):
            _insert(
                rows, [str(line) for place, line in lines.items() if place.backend == backend and place not in present]
            )
            heading = _SECTION.match(row) if row is not None else None
            backend = heading[2] if heading else ""
        if row is not None:
            rows.append(str(lines.get(found.place, found)) if found else row)
    return "\n".join(rows)


def disabled(text: str, places: Collection[Place]) -> str:
    """The configuration where these servers get nothing, also after a reload, until they are written as they were."""
    return with_servers(text, (line.off for place, line in lines_of(text).items() if place in places))


def without_servers(text: str, gone: Collection[Place]) -> str:
    """The configuration without these servers."""
    return "\n".join(row for row, line in _located(text) if line is None or line.place not in gone)


def _insert(rows: list[str], added: list[str]) -> None:
    """Before the empty rows that part two sections."""
    end = len(rows)
    while end and not rows[end - 1].strip():
        end -= 1
    rows[end:end] = added


def _located(text: str) -> Iterator[tuple[str, Line | None]]:
    backend, sticky = "", False
    for row in text.split("\n"):
        if row and not row[0].isspace():
            heading = _SECTION.match(row)
            backend, sticky = heading[2] if heading else "", False
        # HAProxy's own rules may come in any order; Trellis writes the cookie before the servers.
        sticky = sticky or bool(_STICKY.fullmatch(row))
        found = _SERVER.fullmatch(row) if backend else None
        yield row, Line(Place(backend, found[1]), found[2], found[3] or "", sticky) if found else None
