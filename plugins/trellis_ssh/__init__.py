"""The connector for hosts behind ssh: `connect: ssh://user@address`."""

from collections.abc import Sequence

from trellis.plugin import hookimpl
from trellis.plugin.contracts import Connector


@hookimpl
def trellis_connectors() -> Sequence[Connector]:
    """The connector for the scheme ``ssh``."""
    from trellis_ssh.connector import SshConnector

    return (SshConnector(),)
