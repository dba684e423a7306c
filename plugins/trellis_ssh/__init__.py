"""The connector for hosts behind ssh: `connect: ssh://user@address`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.plugin.contracts import Connector


@hookimpl
def trellis_connectors() -> "Sequence[Connector]":
    """The connector for the scheme ``ssh``."""
    from trellis_ssh.connector import SshConnector

    return (SshConnector(),)
