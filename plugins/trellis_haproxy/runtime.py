"""What is asked of a running HAProxy through its master's socket, and what it answers; pure."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trellis_haproxy.servers import Line, Place

SOCKET = "/run/haproxy/master.sock"
"""Of the master process: it leads to the worker, and to those that finish what they had when HAProxy was reloaded."""

CURRENT = "@1"
LIST_PROCESSES = "show proc"
_LIST_SERVERS = "show stat -1 4 -1"
_OUT = ("MAINT", "DRAIN")


@dataclass(frozen=True, slots=True)
class Running:
    """A server as one worker knows it.

    Attributes:
        place: backend and name.
        address: ``10.0.0.11:20001``; IPv6 in brackets.
        out: it gets nothing, because somebody said so.
        up: its health check, if it has one, passes.
        sessions: what it has under way.
    """

    place: Place
    address: str
    out: bool
    up: bool
    sessions: int


def list_servers(worker: str) -> str:
    """The command for every server of a worker."""
    return f"{worker} {_LIST_SERVERS}"


def old_workers(answer: str) -> list[str]:
    """How the workers that only finish what they have are called, from `LIST_PROCESSES`."""
    _, _, after = answer.partition("# old workers")
    rows = after.partition("# programs")[0].splitlines()
    return [f"@!{row.split()[0]}" for row in rows if row.strip()]


def reloads_in(answer: str) -> tuple[int, int]:
    """How often the master was reloaded, and how often that failed, from `LIST_PROCESSES`."""
    found = re.search(r"master\s+(\d+) \[failed: (\d+)\]", answer)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def is_table(answer: str) -> bool:
    """Whether a worker answered with its servers; just after a reload it may not be there yet."""
    return "# pxname," in answer


def servers_in(answer: str) -> Iterator[Running]:
    """The servers in an answer to `list_servers`."""
    _, mark, table = answer.partition("# ")
    for row in csv.DictReader(table.splitlines()) if mark else ():
        if row.get("type") == "2":
            status = row["status"]
            yield Running(
                Place(row["pxname"], row["svname"]),
                row.get("addr") or "",
                status.startswith(_OUT),
                status.startswith("UP") or status == "no check",
                int(row["scur"] or 0),
            )


def take_out(worker: str, places: Iterable[Place]) -> list[str]:
    """Nothing new reaches them; what they have goes on. A drained server would still get clients with a cookie."""
    return [f"{worker} set server {place} state maint" for place in places]


def take_in(line: Line, *, known: bool) -> list[str]:
    """It gets its share again; a server that the worker does not know is added first (management guide, 9.3)."""
    place = line.place
    added = f"{CURRENT} add server {place} {line.address} {line.options}".rstrip()
    checked = f"{CURRENT} enable health {place}"
    # Servers that are added while it runs get no cookie by themselves.
    told = [f"{CURRENT} enable dynamic-cookie backend {place.backend}"] if line.sticky else []
    return [*([] if known else [added, checked, *told]), f"{CURRENT} set server {place} state ready"]


def forget(places: Iterable[Place]) -> list[str]:
    """Remove servers that have been taken out and have nothing left."""
    return [f"{CURRENT} del server {place}" for place in places]


def cut(worker: str, places: Iterable[Place]) -> list[str]:
    """End what they still have."""
    return [f"{worker} shutdown sessions server {place}" for place in places]


@dataclass(frozen=True, slots=True)
class Differing:
    """Servers that a worker is to send traffic to and does not, and the other way round."""

    coming: tuple[Line, ...]
    going: tuple[Place, ...]
    known: frozenset[Place]

    @property
    def needs_reload(self) -> bool:
        """Whether a server is to be added that a running HAProxy does not take."""
        return any(not line.at_run_time for line in self.coming if line.place not in self.known)

    @property
    def commands(self) -> list[str]:
        """What makes them equal."""
        entering = [command for line in self.coming for command in take_in(line, known=line.place in self.known)]
        return [*entering, *take_out(CURRENT, self.going)]

    def __bool__(self) -> bool:
        return bool(self.coming or self.going)


def differing(
    wanted: Mapping[Place, Line], running: Sequence[Running], *, ours: Callable[[Place], bool] = lambda _: True
) -> Differing:
    """What a worker has otherwise than it should, among the servers that are ours to change."""
    known = {server.place: server for server in running}
    serving = {place: line for place, line in wanted.items() if not line.is_off}
    return Differing(
        tuple(line for place, line in serving.items() if place not in known or known[place].out),
        tuple(one.place for one in running if one.place not in serving and not one.out and ours(one.place)),
        frozenset(known),
    )
