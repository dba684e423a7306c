"""The connector for `ssh://`, and how a host's key comes to be trusted; asyncssh is imported when one is used."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.errors import ConfigError, NotAuthorisedError
from trellis.hosts import Host, HostSession
from trellis_ssh.target import parse_route

if TYPE_CHECKING:
    from trellis_ssh.known_hosts import HostKey
    from trellis_ssh.routes import Routes


class SshConnector:
    """Opens sessions over ssh: strict host keys, keys, agent, user certificates, jump hosts."""

    schemes: Sequence[str] = ("ssh",)

    def __init__(self) -> None:
        self._routes: Routes | None = None

    async def connect(self, host: Host) -> HostSession:
        """Open a session; see `trellis.plugin.contracts.Connector.connect`."""
        from trellis_ssh.routes import Routes
        from trellis_ssh.session import SshSession

        if self._routes is None:
            self._routes = Routes()
        route = parse_route(host)
        return SshSession(host, route, await self._routes.open(host.name, route))

    async def offered_fingerprint(self, host: Host) -> str:
        """See `trellis.plugin.contracts.TrustsHosts`, and `fetch_host_key`."""
        return (await fetch_host_key(host)).fingerprint

    async def trust(self, host: Host, fingerprint: str) -> Path:
        """See `trellis.plugin.contracts.TrustsHosts`, and `trust`."""
        return await trust(host, fingerprint)


async def fetch_host_key(host: Host) -> "HostKey":
    """The key that a host offers now, trusted or not: for showing its fingerprint before it is trusted.

    Where a jump host on the way is not known yet, it is that one's key: `HostKey.target` says whose.

    Raises:
        UnreachableError: the host does not answer.
        NotAuthorisedError: a jump host's key has changed.
    """
    from trellis_ssh.routes import Routes

    return await Routes().fetch_key(host.name, parse_route(host))


async def trust(host: Host, fingerprint: str) -> Path:
    """Ask the host for its key and, when it has that fingerprint, add it to the known ones.

    Returns:
        the file that it was added to: the host's option `known_hosts`, else the project's ``.trellis/known_hosts``.

    Raises:
        NotAuthorisedError: the host offers another key, or another one is known already.
        ConfigError: there is no project here and the host names no file.
    """
    from trellis_ssh import known_hosts

    route = parse_route(host)
    path = route.known_hosts or known_hosts.project_file()
    if path is None:
        raise ConfigError("there is no project here to keep the key in", hint="trellis -C FOLDER host trust …")
    key = await fetch_host_key(host)
    if key.fingerprint != fingerprint:
        raise NotAuthorisedError(
            f"{host.name} offers another key than you expect: {key.fingerprint}, not {fingerprint}",
            hint="compare with what the host itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
        )
    known = known_hosts.known_fingerprints(known_hosts.load(known_hosts.files_for(route)), key.target)
    if known and fingerprint not in known:
        raise known_hosts.refusal(host.name, host.name, key, known)
    known_hosts.remember(path, key)
    return path
