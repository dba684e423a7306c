"""Which instance goes to which host, and why: pure, with plain values in and out."""

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from trellis.placing.answering import place

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


def __getattr__(name: str) -> Any:
    """Import what decides only when it is asked for: the model alone is read at every start."""
    if name == "place":
        from trellis.placing.answering import place

        return place
    raise AttributeError(f"module {__name__} has no attribute {name}")
