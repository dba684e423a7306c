"""The connector for this machine: ``local://``."""

from collections.abc import Sequence

from trellis.plugin import hookimpl
from trellis.plugin.contracts import Connector


@hookimpl
def trellis_connectors() -> Sequence[Connector]:
    """The connector for ``local://``."""
    from trellis_local.session import LocalConnector

    return (LocalConnector(),)
