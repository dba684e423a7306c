"""A real Pebble with its name server, and a double of an authority that asks everybody to wait."""

import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from trellis.pki.issuing import create_authority, issue
from trellis.pki.model import Leaf, Use
from trellis.pki.pem import bundle, dump_certificates, dump_key

_SECONDS_TO_START = 20.0
_RESOURCES = ("newNonce", "newAccount", "newOrder", "renewalInfo")


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Pebble:
    """Pebble, trusted by the certificate in `directory_ca`; names resolve as `resolve` said.

    Args:
        folder: for its files.
        http_port: at which it asks the names for http-01.
    """

    def __init__(self, folder: Path, http_port: int) -> None:
        self._folder, self._http_port = folder, http_port
        self.port, self._management, self._dns, self._dns_management = (free_port() for _ in range(4))
        now = datetime.now(UTC)
        authority = create_authority("of the test's Pebble", now)
        own = issue(authority, Leaf("localhost", Use.SERVER, ("localhost", "127.0.0.1")), now)
        self.directory_ca = folder / "pebble-ca.pem"
        self.directory_ca.write_text(dump_certificates(authority.chain))
        (folder / "pebble.pem").write_text(dump_certificates(own.chain))
        (folder / "pebble.key").write_text(dump_key(own.key).reveal())
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/dir"

    def start(self, *, rejected_nonces: int = 0, valid_for: int = 90 * 86400) -> None:
        """Start it anew: it has forgotten all accounts, and has new roots.

        Args:
            rejected_nonces: percent of good nonces that it rejects.
            valid_for: seconds that its certificates last.
        """
        self._names()
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self._folder / "pebble.pem"),
            "privateKey": str(self._folder / "pebble.key"),
            "httpPort": self._http_port,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": valid_for,
        }
        file = self._folder / "pebble.json"
        file.write_text(json.dumps({"pebble": config}))
        environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(rejected_nonces)}
        environment |= {"PEBBLE_AUTHZREUSE": "0"}
        self._run(["pebble", "-config", str(file), "-dnsserver", f"127.0.0.1:{self._dns}"], self.port, environment)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()

    def resolve(self, name: str, addresses: Sequence[str]) -> None:
        """Have a name lead to these addresses; none makes it unknown."""
        for kind in ("a", "aaaa"):
            self._tell(f"clear-{kind}", {"host": name})
        self._tell("add-a", {"host": name, "addresses": list(addresses)})

    def root(self) -> str:
        """The root that its certificates lead to, as PEM."""
        context = ssl.create_default_context(cafile=str(self.directory_ca))
        url = f"https://localhost:{self._management}/roots/0"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            return str(answer.read().decode())

    def _names(self) -> None:
        command = ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{self._dns}", "-defaultIPv4", "", "-defaultIPv6", ""]
        command += ["-management", f"127.0.0.1:{self._dns_management}", "-http01", "", "-https01", "", "-tlsalpn01", ""]
        self._run(command, self._dns_management, dict(os.environ))

    def _tell(self, what: str, body: dict[str, object]) -> None:
        url = f"http://127.0.0.1:{self._dns_management}/{what}"
        request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - the test's own

    def _run(self, command: list[str], port: int, environment: dict[str, str]) -> None:
        log = (self._folder / f"{command[0]}.log").open("ab")
        with log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert process.poll() is None, f"{command[0]} ended"
                assert time.monotonic() < deadline, f"{command[0]} did not start"
                time.sleep(0.05)
            else:
                return


def is_installed() -> bool:
    """Whether Pebble is on this machine."""
    return bool(shutil.which("pebble") and shutil.which("pebble-challtestsrv"))


class BusyAuthorityDouble(http.server.ThreadingHTTPServer):
    """An ACME directory that answers every order with 429 and gives advice: Debian's Pebble has neither limits nor ARI.

    Args:
        folder: for its files.
        wait: seconds that it asks to wait.
        window: start and end of the time in which it wants every certificate to be renewed.
    """

    daemon_threads = True

    def __init__(self, folder: Path, wait: int, window: tuple[str, str] = ("", "")) -> None:
        super().__init__(("127.0.0.1", 0), _BusyHandler)
        self.wait, self.window = wait, window
        self.orders = 0
        self.asked: list[str] = []
        now = datetime.now(UTC)
        authority = create_authority("of the busy double", now)
        self.directory_ca = folder / "busy-ca.pem"
        self.directory_ca.write_text(dump_certificates(authority.chain))
        pem = folder / "busy.pem"
        pem.write_text(bundle(issue(authority, Leaf("localhost", Use.SERVER, ("localhost",)), now)).reveal())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.base = f"https://localhost:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def directory(self) -> str:
        return f"{self.base}/dir"

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _BusyHandler(http.server.BaseHTTPRequestHandler):
    server: BusyAuthorityDouble

    def do_HEAD(self) -> None:
        self._answer(200, {})

    def do_GET(self) -> None:
        if self.path.startswith("/renewalInfo/"):
            self.server.asked.append(self.path.removeprefix("/renewalInfo/"))
            start, end = self.server.window
            self._answer(200, {"suggestedWindow": {"start": start, "end": end}})
        else:
            self._answer(200, {name: f"{self.server.base}/{name}" for name in _RESOURCES})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/newAccount":
            self._answer(201, {"status": "valid"})
            return
        self.server.orders += 1
        kind = "urn:ietf:params:acme:error:rateLimited"
        self._answer(429, {"type": kind, "detail": "too many certificates already issued"})

    def _answer(self, status: int, body: Mapping[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Location", f"{self.server.base}/account/1")
        if status == 429:
            self.send_header("Retry-After", str(self.server.wait))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""
