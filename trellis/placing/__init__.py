"""Which instance goes to which host, and why: pure, with plain values in and out."""

from trellis.placing.deciding import place
from trellis.placing.model import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Placement,
    Problem,
    Running,
    Shortfall,
    Strategy,
    Workload,
)

__all__ = [
    "Capacity",
    "Counting",
    "HostOffer",
    "InstancePolicy",
    "Needs",
    "PlacedInstance",
    "Placement",
    "Problem",
    "Running",
    "Shortfall",
    "Strategy",
    "Workload",
    "place",
]
