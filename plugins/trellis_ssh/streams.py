"""asyncio streams over ssh channels, so that what speaks TCP need not know about ssh."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncssh


class ChannelSession(asyncssh.SSHTCPSession[bytes], asyncssh.SSHUNIXSession[bytes]):
    """Hands an ssh channel to an asyncio stream as its transport: a channel offers what a transport does."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.protocol = asyncio.StreamReaderProtocol(self.reader)
        self.channel: Any = None

    def connection_made(self, chan: Any) -> None:
        """The channel is open."""
        self.channel = chan
        self.protocol.connection_made(chan)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:  # noqa: ARG002 - asyncssh's signature
        """Bytes from the other side."""
        self.protocol.data_received(data)

    def eof_received(self) -> bool:
        """The other side is done; ours may go on."""
        self.protocol.eof_received()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed; one that was lost is told of as a connection that was reset."""
        if exc is not None and not isinstance(exc, OSError):
            reset = ConnectionResetError(str(exc) or type(exc).__name__)
            reset.__cause__ = exc
            exc = reset
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """The other side reads too slowly."""
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self.protocol.resume_writing()

    def writer(self) -> asyncio.StreamWriter:
        """The writing half."""
        transport = cast("asyncio.WriteTransport", self.channel)
        return asyncio.StreamWriter(transport, self.protocol, self.reader, asyncio.get_running_loop())


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(create: Callable[[Callable[[], ChannelSession]], Awaitable[tuple[Any, Any]]]) -> Streams:
    """Streams over the channel that `create` opens for a session factory."""
    _, session = await create(ChannelSession)
    return session.reader, session.writer()


async def join(near: tuple[Any, Any], far: tuple[Any, Any]) -> None:
    """Copy both ways, (reader, writer) each, until the far side has said all it has to say."""
    upward = asyncio.create_task(_pump(near[0], far[1]))
    try:
        await _pump(far[0], near[1])
    finally:
        upward.cancel()
        await asyncio.gather(upward, return_exceptions=True)


async def _pump(reader: Any, writer: Any) -> None:
    """Copy until the reader's end, then tell the writer so; a side that goes away ends it quietly."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, asyncssh.Error):
        return
