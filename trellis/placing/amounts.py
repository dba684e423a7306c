"""Needs and capacities as whole numbers, so that sums are exact, and as words for people."""

from trellis.placing.model import Capacity, Needs
from trellis_dsl.quantities import format_bytes

Amounts = tuple[int, int, int, int]

DIMENSIONS = ("cpu", "memory", "disk", "network")

# Cores are counted in millionths: sums of whole numbers do not depend on the order of adding.
CORE = 1_000_000

# A host whose capacity is unknown is not held back in that dimension; far above any real sum.
UNKNOWN = 1 << 60


def of_needs(needs: Needs) -> Amounts:
    """Millionths of a core, bytes, bytes, bits per second."""
    return round(needs.cpu * CORE), needs.memory, needs.disk, needs.network


def of_capacity(capacity: Capacity) -> Amounts:
    """As `of_needs`; `UNKNOWN` where the capacity is not known."""
    cpu = UNKNOWN if capacity.cpu is None else round(capacity.cpu * CORE)
    memory = UNKNOWN if capacity.memory is None else capacity.memory
    disk = UNKNOWN if capacity.disk is None else capacity.disk
    network = UNKNOWN if capacity.network is None else capacity.network
    return cpu, memory, disk, network


def in_words(dimension: int, amount: int) -> str:
    """``1.5 cores``, ``2 GiB memory``, ``20 GiB disk``, ``100 Mbit/s network``."""
    name = DIMENSIONS[dimension]
    if name == "cpu":
        cores = f"{amount / CORE:.3f}".rstrip("0").rstrip(".")
        return f"{cores} {'core' if cores == '1' else 'cores'}"
    if name == "network":
        return f"{_bits(amount)} network"
    return f"{format_bytes(amount)} {name}"


def _bits(amount: int) -> str:
    for unit, size in (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if abs(amount) >= size:
            return f"{amount / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{amount} bit/s"
