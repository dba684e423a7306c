"""Connections along routes: jump hosts first, each of them connected to once, however many hosts are behind it."""

import asyncio
from dataclasses import dataclass

import asyncssh

from trellis_ssh import known_hosts
from trellis_ssh.connection import end, fetch_direct, open_direct
from trellis_ssh.target import Route


@dataclass
class Connection:
    """An open connection to a host.

    Attributes:
        ssh: the connection.
        routes: what keeps the jump hosts' connections.
        via: the way to the last jump host, None where there is none.
    """

    ssh: asyncssh.SSHClientConnection
    routes: "Routes"
    via: Route | None

    async def close(self) -> None:
        """End it, and the jump hosts' connections when nobody else needs them."""
        await end(self.ssh)
        if self.via:
            await self.routes.give_back(self.via)


@dataclass
class _Shared:
    """A jump host's connection, opened or being opened, and how many use it."""

    opening: "asyncio.Task[Connection]"
    users: int = 0


class Routes:
    """Opens connections.

    Jump hosts are shared: sshd drops connections when many log in at once (MaxStartups), and a hundred hosts may be
    behind one.
    """

    def __init__(self) -> None:
        self._shared: dict[tuple[int, Route], _Shared] = {}

    async def open(self, host: str, route: Route, *, is_jump: bool = False) -> Connection:
        """Connect to a host, checking the key of every server on the way; errors as in `open_direct`."""
        via = route.via
        tunnel = await self._take(host, via) if via else None
        try:
            return Connection(await open_direct(host, route, tunnel, is_jump=is_jump), self, via)
        except BaseException:
            if via:
                await self.give_back(via)
            raise

    async def fetch_key(self, host: str, route: Route) -> known_hosts.HostKey:
        """The first key on the way to a host that is not known, else the host's own, trusted or not.

        Raises:
            UnreachableError: a server on the way does not answer.
            HostKeyError: a jump host's key has changed.
        """
        via = route.via
        if via is None:
            return await fetch_direct(host, route, None)
        try:
            tunnel = await self._take(host, via)
        except known_hosts.HostKeyError as error:
            if error.known:
                raise
            return error.key
        try:
            return await fetch_direct(host, route, tunnel)
        finally:
            await self.give_back(via)

    async def _take(self, host: str, route: Route) -> asyncssh.SSHClientConnection:
        key = _key(route)
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.create_task(self.open(host, route, is_jump=True)))
        shared.users += 1
        try:
            # Shielded: the others wait for it too, when the one who began it no longer does.
            return (await asyncio.shield(shared.opening)).ssh
        except BaseException:
            await self.give_back(route)
            raise

    async def give_back(self, route: Route) -> None:
        """Say that a jump host's connection is no longer needed; the last one who says so ends it."""
        shared = self._shared[_key(route)]
        shared.users -= 1
        if shared.users:
            return
        del self._shared[_key(route)]
        shared.opening.cancel()
        (opened,) = await asyncio.gather(shared.opening, return_exceptions=True)
        if isinstance(opened, Connection):
            await opened.close()


def _key(route: Route) -> tuple[int, Route]:
    """Connections belong to the loop in which they were opened."""
    return id(asyncio.get_running_loop()), route
