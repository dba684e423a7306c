"""More ssh connections to one host, for when its commands need more sessions than sshd gives one connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import asyncssh

from trellis.errors import TrellisError
from trellis_ssh.routes import Connection

# sshd gives a connection ten sessions (MaxSessions); the first one's are for commands too.
_ON_FIRST = 5
_ON_OTHERS = 9
_MOST_CONNECTIONS = 6


@dataclass
class _Lane:
    """A connection and how many more sessions it takes."""

    connection: Connection
    free: int


class Lanes:
    """Finds a connection with a free session.

    A client of the engine may keep one session open and need a second one to go on: waiting for a free one could wait
    for ever, so another connection is opened instead.
    """

    def __init__(self, first: Connection, open_another: Callable[[], Awaitable[Connection]]) -> None:
        self._lanes = [_Lane(first, _ON_FIRST)]
        self._open_another = open_another
        self._opening = asyncio.Lock()

    async def add(self) -> None:
        """Open another connection now."""
        self._lanes.append(_Lane(await self._open_another(), _ON_OTHERS))

    @contextlib.asynccontextmanager
    async def take(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection that takes one more session; it is given back at the end.

        Raises:
            TrellisError: there are too many already.
        """
        async with self._opening:
            if not any(lane.free for lane in self._lanes):
                if len(self._lanes) == _MOST_CONNECTIONS:
                    raise TrellisError("too many connections to the Docker Engine at once")
                await self.add()
            lane = next(lane for lane in self._lanes if lane.free)
            lane.free -= 1
        try:
            yield lane.connection.ssh
        finally:
            lane.free += 1

    async def close(self) -> None:
        """End the connections that were added; the first one is its owner's."""
        for lane in self._lanes[1:]:
            await lane.connection.close()
        del self._lanes[1:]
