"""What visitors notice of each operation, and how soon an added site answers."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from load import Load
from visiting import visit
from workplace import Workplace, until

DOMAIN = "site.bench.test"
EDGES = ("h1", "h2")
_PORT = 443
_WARM = 10


@dataclass(frozen=True, slots=True)
class Operated:
    """One operation under load.

    Attributes:
        name: what was done.
        seconds: the program's whole run.
        requests: that were answered meanwhile, and shortly before and after.
        failed: sentences about those that were not.
        closed: websockets that were ended.
    """

    name: str
    seconds: float
    requests: int
    failed: tuple[str, ...]
    closed: int


def operate(place: Workplace, trusting: ssl.SSLContext) -> list[Operated]:
    """Each operation, one after the other."""
    operations: list[tuple[str, Callable[[], None], tuple[str, ...]]] = [
        ("update of two instances", lambda: place.change("trellis-test/web:1", "trellis-test/web:2"), ("up", "--yes")),
        ("move of an instance", lambda: _move(place), ("up", "--yes")),
        ("a site added (HAProxy reloads)", lambda: _add(place, "one"), ("up", "--yes")),
        ("certificates renewed", lambda: None, ("cert", "renew")),
    ]
    return [_under_load(place, trusting, *operation) for operation in operations]


def seconds_to_answer(place: Workplace, name: str, trusting: ssl.SSLContext) -> float:
    """From the start of `trellis up` to the first answer of a site that was added, at every proxy."""
    _add(place, name)
    started = time.perf_counter()
    running = place.start("up", "--yes")
    for host in EDGES:
        until(partial(is_served, place, host, f"{name}.bench.test", trusting), 60, what=name)
    took = time.perf_counter() - started
    running.communicate(timeout=120)
    return took


def is_served(place: Workplace, host: str, domain: str, trusting: ssl.SSLContext) -> bool:
    """Whether a site answers at a proxy, with a certificate that its visitors trust."""
    try:
        return visit(str(place.lab.host(host).address), _PORT, domain, trusting=trusting).status == 200
    except OSError:
        return False


def _under_load(
    place: Workplace, trusting: ssl.SSLContext, name: str, change: Callable[[], None], words: tuple[str, ...]
) -> Operated:
    change()
    load = Load([(str(place.lab.host(host).address), _PORT) for host in EDGES], DOMAIN, 3, trusting)
    try:
        load.wait_for(_WARM)
        started = time.perf_counter()
        place.trellis(*words)
        took = time.perf_counter() - started
        load.wait_for(_WARM)
    finally:
        load.end()
    return Operated(name, took, sum(load.answered.values()), tuple(load.failures), load.closed)


def _move(place: Workplace) -> None:
    place.change("roles: [edge, web, visited]", "roles: [edge, web]", "environments/dev.yaml")
    place.change("roles: [edge]", "roles: [edge, visited]", "environments/dev.yaml")


def _add(place: Workplace, name: str) -> None:
    line = '    public = site("site.bench.test", http)\n'
    place.change(line, f'    {name} = site("{name}.bench.test", http)\n{line}')
