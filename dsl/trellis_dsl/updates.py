"""How a service's running instances are replaced by new ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from trellis_dsl.arguments import refuse_mistyped_fields, typed
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller

F = TypeVar("F", bound=Callable[..., Any])

UPDATES_FROM = "_trellis_updates_from"


@dataclass(frozen=True)
class Rollout:
    """The default way to replace instances.

    Attributes:
        start_first: start the new instance before the old one stops; its ports must not be fixed.
        batch: how many at a time.
        pause: seconds between two batches.
        drain: seconds that an instance has for the requests under way once it gets no new ones; then it stops.
        canary: replace so many first, and watch them; the others follow when they stay healthy.
        watch: seconds that a canary is watched; one that ends or becomes unhealthy goes back to the old image.
    """

    start_first: bool = False
    batch: int = 1
    pause: float = 0.0
    drain: float = 30.0
    canary: int = 0
    watch: float = 10.0

    def __post_init__(self) -> None:
        """Raises `StackError` for numbers that cannot be meant."""
        refuse_mistyped_fields(self)
        for name, least in (("batch", 1), ("pause", 0), ("drain", 0), ("canary", 0), ("watch", 0)):
            if getattr(self, name) < least:
                raise StackError(f"{name} is {getattr(self, name)}; the least is {least}", where=caller())


class Update:
    """Records what an update method wants done; nothing is done while it runs.

    Attributes:
        from_version: the tag of the image that runs.
        to_version: the tag of the image that is to run.
        recorded: what was asked for: a verb and its words, in order.
    """

    def __init__(self, from_version: str, to_version: str) -> None:
        self.from_version = from_version
        self.to_version = to_version
        self.recorded: list[tuple[str, tuple[str, ...]]] = []

    def stop(self) -> None:
        """Stop the old instance."""
        self.recorded.append(("stop", ()))

    def start(self) -> None:
        """Start the new instance and wait until it is healthy."""
        self.recorded.append(("start", ()))

    @typed()
    def run(self, *argv: str) -> None:
        """Run a command in the instance that is up at this point; status 0 is success."""
        if not argv:
            raise StackError("update.run needs a command", where=caller())
        self.recorded.append(("run", argv))


@typed()
def update_from(version: str) -> Callable[[F], F]:
    """Mark a method as the instructions for an update from versions that match.

    Args:
        version: a pattern over the old image's tag, ``10.*`` or ``7.1``, as `fnmatch` reads it.
    """

    def mark(method: F) -> F:
        setattr(method, UPDATES_FROM, version)
        return method

    return mark
