"""The connector for this machine: ``local://``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.plugin.contracts import Connector


@hookimpl
def trellis_connectors() -> "Sequence[Connector]":
    """The connector for ``local://``."""
    from trellis_local.session import LocalConnector

    return (LocalConnector(),)
