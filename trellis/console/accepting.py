"""TLS that takes any certificate whose key the client has, so that a refusal can be an answer, and be recorded.

Python's own `ssl` ends the handshake when it does not know the issuer, before anybody could say why. pyOpenSSL leaves
that to us; here it has the shape in which asyncio drives TLS. Whether a certificate is good, `deciding` says.
"""

import ssl
from typing import Any, Self

from OpenSSL import SSL

from trellis.pki.model import Credentials
from trellis.pki.pem import without_root

_CHUNK = 16 * 1024


class AcceptingContext(ssl.SSLContext):
    """A server's context: TLS 1.2 or later, a client's certificate demanded, its issuer not looked at."""

    _ours: SSL.Context

    def __new__(cls, _credentials: Credentials) -> Self:
        """As Python's own context, which asyncio asks for."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, credentials: Credentials) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # nobody comes back without the certificate
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        context.use_privatekey(credentials.key)
        certificate, *above = without_root(credentials.chain)
        context.use_certificate(certificate)
        for item in above:
            context.add_extra_chain_cert(item)
        context.check_privatekey()
        self._ours = context

    def wrap_bio(self, incoming: Any, outgoing: Any, *_: Any, **__: Any) -> Any:
        """One connection, as asyncio asks for it."""
        return _Connection(self._ours, incoming, outgoing)


class _Connection:
    """What asyncio uses of `ssl.SSLObject`, and the client's certificate."""

    def __init__(self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._incoming, self._outgoing = incoming, outgoing

    def do_handshake(self) -> None:
        self._driven(self._connection.do_handshake)

    def read(self, size: int, buffer: Any = None) -> Any:
        try:
            data = self._driven(lambda: self._connection.recv(size))
        except SSL.ZeroReturnError:
            data = b""
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return int(self._driven(lambda: self._connection.send(bytes(data[:_CHUNK]))))

    def unwrap(self) -> None:
        if not self._driven(self._connection.shutdown):
            raise ssl.SSLWantReadError

    def certificate(self) -> bytes:
        """What the client presented and has the key of, DER; empty when nothing."""
        from cryptography.hazmat.primitives.serialization import Encoding

        found = self._connection.get_peer_certificate(as_cryptography=True)
        return found.public_bytes(Encoding.DER) if found else b""

    def getpeercert(self) -> None:
        return None

    def cipher(self) -> None:
        return None

    def compression(self) -> None:
        return None

    def _driven(self, action: Any) -> Any:
        """Do something with what has come in, and hand on what has to go out; errors as `ssl` has them."""
        while data := self._incoming.read():
            self._connection.bio_write(data)
        try:
            return action()
        except (SSL.WantReadError, SSL.WantWriteError):
            raise ssl.SSLWantReadError from None
        except SSL.ZeroReturnError:
            raise
        except SSL.SysCallError:
            raise ssl.SSLEOFError from None
        except SSL.Error as fault:
            raise ssl.SSLError(f"TLS failed: {fault}") from None
        finally:
            self._hand_on()

    def _hand_on(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_CHUNK))
            except SSL.WantReadError:
                return
