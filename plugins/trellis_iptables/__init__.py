"""The firewall of hosts that have iptables and no nft: chains of their own for each stack and environment."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.plugin import hookimpl

if TYPE_CHECKING:  # every start of the command line imports this module
    from trellis.firewall.backends import Backend


@hookimpl
def trellis_firewalls() -> "Sequence[Backend]":
    """The firewall `iptables`."""
    from trellis_iptables.backend import Iptables

    return (Iptables(),)
