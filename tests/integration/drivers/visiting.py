"""What one visitor of a proxy gets: a request to an address, for a site's name, over TLS or not."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What a visitor got, headers by names in lower case, and from which address the proxy saw the visitor come."""

    status: int
    text: str
    headers: Mapping[str, str]
    own_address: str = ""

    @property
    def cookie(self) -> str:
        """The cookie that is set, as a visitor sends it back; empty when none is."""
        return self.headers.get("set-cookie", "").partition(";")[0]


class Named(http.client.HTTPSConnection):
    """Connects to an address, and asks for the certificate of a name."""

    def __init__(self, address: str, port: int, domain: str, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=10, context=context)
        self.domain, self.tls = domain, context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.domain)


def visit(
    address: str,
    port: int,
    domain: str,
    path: str = "/",
    trusting: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> Answer:
    """One request; over TLS when it says whom the visitor trusts."""
    if trusting:
        connection: http.client.HTTPConnection = Named(address, port, domain, trusting)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request(method, path, headers={"Host": domain, **(headers or {})})
        own = connection.sock.getsockname()[0]
        answer = connection.getresponse()
        return Answer(
            answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}, own
        )
    finally:
        connection.close()
