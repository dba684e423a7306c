"""Which host port each published endpoint gets: the one it has, else a steady choice."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from trellis.errors import DoesNotFitError

FIRST, LAST = 20000, 29999


def allocate(
    wanted: Iterable[tuple[str, str]],
    current: Mapping[tuple[str, str], int],
    taken: frozenset[int],
    host: str,
    stack: str = "",
) -> dict[tuple[str, str], int]:
    """A free host port for each (instance, endpoint) on one host.

    Args:
        wanted: what needs a port.
        current: ports that running instances have; they keep them.
        taken: ports that something else on the host uses.
        host: its name, for the error.
        stack: its name; two stacks that come up at the same time begin to look at different places.

    Raises:
        DoesNotFitError: all ports of the range are taken.
    """
    order = sorted(wanted)
    ports = {key: current[key] for key in order if FIRST <= current.get(key, 0) <= LAST}
    used = set(ports.values()) | taken
    for key in order:
        if key not in ports:
            ports[key] = _free((stack, *key), used, host)
            used.add(ports[key])
    return ports


def _free(key: tuple[str, ...], used: set[int], host: str) -> int:
    """The first free port from a place that only the name decides, so that it is the same without any memory."""
    size = LAST - FIRST + 1
    start = int.from_bytes(sha256("/".join(key).encode()).digest()[:4]) % size
    for step in range(size):
        port = FIRST + (start + step) % size
        if port not in used:
            return port
    raise DoesNotFitError(f"{host} has no free port from {FIRST} to {LAST}", where=host)
