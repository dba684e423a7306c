"""Networks that no service is in, and that connect or are connected to: operators' own needs."""

import ipaddress
import re
from typing import Literal

from trellis_dsl.arguments import typed
from trellis_dsl.declaration import Declaration
from trellis_dsl.endpoints import HIGHEST_PORT, Endpoint, EndpointRef
from trellis_dsl.errors import StackError
from trellis_dsl.location import caller

_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Allow(Declaration):
    """Networks that may connect; `allow_from` makes one."""

    def __init__(
        self, networks: tuple[str, ...], to: Endpoint | EndpointRef | int | None, protocol: Literal["tcp", "udp"]
    ) -> None:
        super().__init__()
        self.networks = networks
        self.to = to
        self.protocol = protocol


@typed()
def allow_from(
    *networks: str, to: Endpoint | EndpointRef | int | None = None, protocol: Literal["tcp", "udp"] = "tcp"
) -> Allow:
    """Let networks in that are not the environment's hosts: an office, a monitoring system, a backup.

    In a service it is for its endpoints, in a role for those of every service that the role runs.

    Args:
        networks: such as ``"203.0.113.0/24"``, ``"198.51.100.7"`` or ``"2001:db8::/32"``.
        to: one endpoint alone (in a service ``sql``, in a role ``MariaDB.sql``); in a role also a number, which is a
            port of the hosts' own. Such a port matters on exclusive hosts only: others leave it alone.
        protocol: of a port that is a number.

    Raises:
        StackError: there is no network, or one is none.
    """
    _refuse_none("allow_from", networks)
    if isinstance(to, int) and not 1 <= to <= HIGHEST_PORT:
        raise StackError(f"{to} is not a port", where=caller(), hint="ports go from 1 to 65535")
    return Allow(tuple(sorted({_network(text) for text in networks})), to, protocol)


class Reach(Declaration):
    """Networks that may be connected to; `allow_to` makes one."""

    def __init__(self, networks: tuple[str, ...], port: int, protocol: Literal["tcp", "udp"]) -> None:
        super().__init__()
        self.networks = networks
        self.port = port
        self.protocol = protocol


def allow_to(*networks: str, port: int = 0, protocol: Literal["tcp", "udp"] = "tcp") -> Reach:
    """Let containers out to what is no service of the stack, where an environment says ``egress: declared``.

    In a service it is for its containers, in a role for those of every service that the role runs. Where egress is
    open it changes nothing.

    Args:
        networks: such as ``"203.0.113.0/24"``, ``"198.51.100.7"`` or ``"2001:db8::/32"``. A name is refused: its
            addresses change, and rules that were made from them would not.
        port: there; 0 is every port.
        protocol: of the port.

    Raises:
        StackError: there is no network, one is none, or the port is none.
    """
    _refuse_none("allow_to", networks)
    if not 0 <= port <= HIGHEST_PORT:
        raise StackError(f"{port} is not a port", where=caller(), hint="ports go from 1 to 65535; 0 is all of them")
    return Reach(tuple(sorted({_network(text) for text in networks})), port, protocol)


def _refuse_none(what: str, networks: tuple[str, ...]) -> None:
    if not networks:
        raise StackError(f"{what} needs a network", where=caller(), hint=f'such as {what}("203.0.113.0/24")')


def _network(text: str) -> str:
    """In canonical form; bits of a host in a network are a mistake that nobody should have to find."""
    try:
        network: Network = ipaddress.ip_network(text)
    except ValueError as error:
        if _NAME.fullmatch(text):
            raise StackError(
                f"{text!r} is a name, and a firewall knows addresses only: the name's may change, its rules would not",
                where=caller(),
                hint="write the network that it is in, such as 203.0.113.0/24",
            ) from None
        raise StackError(f"{text!r} is not a network: {error}", where=caller(), hint="such as 203.0.113.0/24") from None
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
