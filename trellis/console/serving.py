"""Runs the console under uvicorn: mutual TLS, and bounds on how much and how long a client may take."""

import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trellis.console.accepting import AcceptingContext
from trellis.console.app import CERTIFICATE, PATIENCE, Console
from trellis.errors import ConfigError
from trellis.pki.model import Credentials

_ASKING = 5.0  # seconds until a request's head is whole
_ANSWERING = 300.0  # seconds until the answer is taken
_OPERATING = 6 * 3600.0  # seconds until the answer of an operation is taken
_HEAD = 16 * 1024  # bytes
_CONNECTIONS = 32


class _Bounded(H11Protocol):
    """HTTP/1.1 that hands the client's certificate on, and ends a connection that takes too long."""

    _timer: Any = None
    _asked = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        certificate = transport.get_extra_info("ssl_object").certificate()
        self.app_state = {**self.app_state, CERTIFICATE: certificate, PATIENCE: self._be_patient}
        self._timer = self.loop.call_later(_ASKING, self._too_slow, transport)

    def handle_events(self) -> None:
        super().handle_events()
        if not self._asked and self.conn.their_state is not h11.IDLE:
            self._asked = True
            self._timer.cancel()
            self._timer = self.loop.call_later(_ANSWERING, self._too_slow, self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _be_patient(self) -> None:
        """An operation takes as long as it takes; only who was approved for it gets here."""
        self._timer.cancel()
        self._timer = self.loop.call_later(_OPERATING, self._too_slow, self.transport)

    @staticmethod
    def _too_slow(transport: Any) -> None:
        transport.abort()


def listening(address: str, port: int) -> socket.socket:
    """A socket that clients can connect to from now on; port 0 takes a free one.

    Raises:
        ConfigError: the address is not this machine's, or the port is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=_CONNECTIONS)
    except OSError as fault:
        raise ConfigError(f"cannot listen: {fault.strerror or fault}", where=f"{address}:{port}") from fault


def serve(console: Console, credentials: Credentials, listener: socket.socket) -> None:
    """Serve until the process is told to end; requests under way are finished."""
    config = uvicorn.Config(
        console,
        http=_Bounded,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_HEAD,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
    )
    config.load()
    config.ssl = AcceptingContext(credentials)
    uvicorn.Server(config).run(sockets=[listener])
