"""A role's data, and where a service's container sees it."""

from trellis_dsl.arguments import typed
from trellis_dsl.declaration import Declaration
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller
from trellis_dsl.options import checked
from trellis_dsl.quantities import parse_bytes


class Storage(Declaration):
    """Data that a role keeps on its hosts.

    Args:
        size: such as ``"20 GiB"``; reserved on each host that holds it.
        backend: ``local`` keeps it in a volume of the host's engine.
        replication: how copies are kept; only ``None`` for a local backend on one host.
        active: on how many hosts at once it may be written; None is all of them.
    """

    @typed(leaving=("size",))
    def __init__(
        self,
        size: str | int,
        *,
        backend: str = "local",
        replication: str | None = None,
        active: int | None = None,
    ) -> None:
        super().__init__()
        self.size = checked("size", size, parse_bytes, caller())
        self.backend = backend
        self.replication = replication
        self.active = active


class Mount(Declaration):
    """A path in the container; `mounts` makes one."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


@typed()
def mounts(path: str) -> Mount:
    """Declare that the service keeps data at an absolute path in its container.

    Which storage it is, the role says: ``runs(MariaDB, one_per_role, data=data)``.
    """
    if not path.startswith("/"):
        raise StackError(f"mount path {path!r} is not absolute", where=caller())
    return Mount(path)
