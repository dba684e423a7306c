"""A project whose sites are answered over TLS on lab hosts, and what its visitors see."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from cryptography import x509
from ruamel.yaml import YAML

from trellis.pki.identifying import fingerprint
from trellis_lab import Lab

HTTP, HTTPS = 8092, 8492
SHOP, WWW = "shop.example", "www.shop.example"

PROGRAM = """
from trellis import Role, Service, Stack, default, exactly, listens, one_per_host, runs, site
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1")
class Web(Service):
    more = default(["www.shop.example"], "more names")
    http = listens(8080, health="/healthz")
    public = site("shop.example", http, aliases=more)


@stack.service()
class Proxy(HAProxy):
    http = listens(8092, public=True)
    https = listens(8492, public=True)


@stack.role
class Front(Role):
    proxy = runs(Proxy, one_per_host)
    web = runs(Web, exactly(1))
"""


@dataclass
class Project:
    """One project on two lab hosts."""

    folder: Path
    lab: Lab
    name: str
    hosts: tuple[str, ...] = ("h1", "h2")
    certificates: dict[str, str] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "environments").mkdir(parents=True)
        (self.folder / "stack.py").write_text(PROGRAM.replace("NAME", self.name))
        (self.folder / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: dev\n")
        self.write()

    @property
    def addresses(self) -> list[str]:
        return [str(self.lab.host(name).address) for name in self.hosts]

    def write(self) -> None:
        """Write the environment file as the fields say."""
        known = self.lab.environment_hosts()
        hosts = {name: {**known[name], "roles": ["front"]} for name in self.hosts}  # type: ignore[dict-item]  # mappings
        out = StringIO()
        YAML(typ="safe").dump({"hosts": hosts, "certificates": self.certificates, "config": self.config}, out)
        (self.folder / "environments" / "dev.yaml").write_text(out.getvalue())

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}

    def trellis(self, *words: str, status: int = 0) -> str:
        ended = subprocess.run(
            self.command(*words), capture_output=True, text=True, env=self.environment, timeout=120, check=False
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == status, said
        assert "PRIVATE KEY" not in said
        return said

    def served(self, host: str, name: str = SHOP) -> str:
        """SHA-256 of the certificate that a visitor gets; empty when the handshake is refused."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with self._connected(host, name, context) as connection:
                return fingerprint(x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b""))
        except ssl.SSLError:
            return ""

    def protocol(self, host: str, root: str) -> str | None:
        """What a visitor who knows both protocols gets: ``h2`` or ``http/1.1``."""
        context = ssl.create_default_context(cadata=root)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with self._connected(host, SHOP, context) as connection:
            return connection.selected_alpn_protocol()

    def page(self, host: str, root: str, name: str = SHOP, path: str = "/") -> str:
        """What a visitor reads who trusts this root alone."""
        context = ssl.create_default_context(cadata=root)
        with self._connected(host, name, context) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {name}\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n".encode()
            )
            answer = b""
            while some := connection.recv(65536):
                answer += some
        return answer.decode()

    def plain(self, host: str, path: str = "/", name: str = SHOP) -> str:
        """The answer over plain HTTP, headers and all."""
        address = str(self.lab.host(host).address)
        with socket.create_connection((address, HTTP), timeout=10) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            answer = b""
            while some := connection.recv(65536):
                answer += some
        return answer.decode()

    def _connected(self, host: str, name: str, context: ssl.SSLContext) -> ssl.SSLSocket:
        address = str(self.lab.host(host).address)
        connection = socket.create_connection((address, HTTPS), timeout=10)
        try:
            return context.wrap_socket(connection, server_hostname=name)
        except BaseException:
            connection.close()
            raise


class Load:
    """Visitors of every host: half of them keep their connection, half come anew; counts what fails."""

    def __init__(self, project: Project, root: str, clients: int = 4) -> None:
        self.failures: list[str] = []
        self.answered = 0
        self.ended = 0  # connections that were to be kept, and were not
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(project, root, project.hosts[number % 2], number < 2))
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _visit(self, project: Project, root: str, host: str, kept: bool) -> None:  # noqa: FBT001 - one use, above
        context = ssl.create_default_context(cadata=root)
        connection: ssl.SSLSocket | None = None
        while not self._ending.wait(0.01):
            try:
                connection = connection or project._connected(host, SHOP, context)
                again = "keep-alive" if kept else "close"
                connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: {SHOP}\r\nConnection: {again}\r\n\r\n".encode())
                head, closes = self._answer(connection)
                if " 200 " not in head:
                    self.failures.append(head)
                self.answered += 1
                self.ended += kept and closes
                if closes or not kept:
                    connection.close()
                    connection = None
            except OSError as error:
                self.failures.append(f"{host} {kept}: {error!r}")
                connection = None
        if connection:
            connection.close()

    def _answer(self, connection: ssl.SSLSocket) -> tuple[str, bool]:
        text = b""
        while b"\r\n\r\n" not in text:
            text += self._more(connection)
        head, _, body = text.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
        closes = headers.get("connection") == "close" or "content-length" not in headers
        while len(body) < int(headers.get("content-length", 0)):
            body += self._more(connection)
        return head.decode().split("\r\n")[0], closes

    def _more(self, connection: ssl.SSLSocket) -> bytes:
        some = connection.recv(65536)
        if not some:
            raise ConnectionError("closed before the whole answer was there")
        return some

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
