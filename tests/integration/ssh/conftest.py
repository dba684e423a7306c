"""Sessions that are closed after each test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from trellis.hosts import Host
from trellis_ssh.connector import SshConnector
from trellis_ssh.session import SshSession

Connect = Callable[[Host], Awaitable[SshSession]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens sessions: `await connect(host)`."""
    opened: list[SshSession] = []

    async def open_session(host: Host) -> SshSession:
        session = await SshConnector().connect(host)
        assert isinstance(session, SshSession)
        opened.append(session)
        return session

    yield open_session
    for session in opened:
        await session.close()
