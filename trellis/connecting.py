"""Chooses the connector for a host by the scheme of its URL."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from trellis.errors import ConfigError
from trellis.hosts import Host, HostSession
from trellis.plugin.contracts import Connector


def connector_of(host: Host, connectors: Mapping[str, Connector], environment: str = "") -> Connector:
    """The connector for a host's URL.

    Args:
        host: to be reached.
        connectors: by scheme.
        environment: whose file names the host, for the message.

    Raises:
        ConfigError: no plugin offers one.
    """
    scheme = urlsplit(host.connect).scheme
    if scheme not in connectors:
        known = ", ".join(f"{one}://" for one in sorted(connectors))
        file = f"environments/{environment}.yaml: " if environment else ""
        where = f"{file}hosts.{host.name}.connect"
        raise ConfigError(f"no plugin connects by {scheme}://", where=where, hint=f"use one of {known}")
    return connectors[scheme]


def connecting(connectors: Mapping[str, Connector], environment: str = "") -> Callable[[Host], Awaitable[HostSession]]:
    """A function that opens a session on a host by the connector for its URL."""

    async def connect(host: Host) -> HostSession:
        return await connector_of(host, connectors, environment).connect(host)

    return connect
