"""The shop's website: counts its visits in MariaDB and says which instance answered."""

import html
import json
import os
import signal
import socket
import string
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pymysql

VERSION = os.environ.get("VERSION", "unknown")
HOSTNAME = socket.gethostname()
INSTANCE = os.environ.get("INSTANCE", HOSTNAME)
PAGE = string.Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
CREATE = (
    "CREATE DATABASE IF NOT EXISTS shop",
    "CREATE TABLE IF NOT EXISTS shop.visits (instance VARCHAR(190) PRIMARY KEY, visits BIGINT NOT NULL)",
)
COUNT = "INSERT INTO shop.visits (instance, visits) VALUES (%s, 1) ON DUPLICATE KEY UPDATE visits = visits + 1"
READ = "SELECT SUM(visits), SUM(IF(instance = %s, visits, 0)) FROM shop.visits"
NO_SUCH_DATABASE_OR_TABLE = (1049, 1146)


def connect() -> pymysql.Connection:
    """Connect to the MariaDB at DB, "host:port"; pymysql.MySQLError when it does not answer within 2 s."""
    host, _, port = os.environ["DB"].rpartition(":")
    return pymysql.connect(
        host=host,
        port=int(port),
        user="root",
        password=os.environ.get("DB_PASSWORD", ""),
        connect_timeout=2,
        read_timeout=5,
        write_timeout=5,
        autocommit=True,
    )


def database_answers() -> bool:
    """Tell whether a new connection is let in and answers."""
    try:
        with closing(connect()) as connection:
            connection.ping(reconnect=False)
    except (pymysql.MySQLError, OSError):
        return False
    return True


def count_visit() -> tuple[int, int]:
    """Count one visit; return all visits so far, and those that this instance answered."""
    with closing(connect()) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(COUNT, (INSTANCE,))
        except pymysql.MySQLError as error:
            if error.args[0] not in NO_SUCH_DATABASE_OR_TABLE:
                raise
            for statement in CREATE:
                cursor.execute(statement)
            cursor.execute(COUNT, (INSTANCE,))
        cursor.execute(READ, (INSTANCE,))
        total, own = cursor.fetchone()
        return int(total), int(own)


class Handler(BaseHTTPRequestHandler):
    """One connection; several requests follow each other on it."""

    protocol_version = "HTTP/1.1"
    server_version = f"shop/{VERSION}"
    sys_version = ""
    timeout = 30  # seconds that an idle connection stays open
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        answer: Callable[[], None] | None = {
            "/": self.page,
            "/healthz": self.health,
            "/version": self.version,
            "/slow": self.slow,
        }.get(url.path)
        if answer is None:
            self.reply(404, "There is no such page.\n")
        else:
            answer()

    do_HEAD = do_GET  # noqa: N815 - http.server looks handlers up by this name

    def health(self) -> None:
        """Answer 200 when the database does, else 503."""
        if database_answers():
            self.reply(200, "ok")
        else:
            self.reply(503, "the database does not answer")

    def version(self) -> None:
        """Answer which version and instance this is, without the database."""
        answer = {"version": VERSION, "instance": INSTANCE, "host": HOSTNAME}
        self.reply(200, json.dumps(answer), "application/json")

    def slow(self) -> None:
        """Answer after ?seconds=N, 10 at most: shows that a stop waits for running requests."""
        asked = parse_qs(urlsplit(self.path).query).get("seconds", ["1"])[0]
        time.sleep(min(int(asked), 10) if asked.isdecimal() else 1)
        self.reply(200, "done\n")

    def page(self) -> None:
        """Answer the page, and count the visit."""
        try:
            total, own = count_visit()
        except (pymysql.MySQLError, OSError):
            self.reply(503, "The shop's database does not answer. Please try again in a moment.\n")
            return
        names = {"version": VERSION, "instance": INSTANCE, "hostname": HOSTNAME}
        escaped = {name: html.escape(value) for name, value in names.items()}
        self.reply(200, PAGE.substitute(escaped, total=total, own=own), "text/html")

    def reply(self, status: int, text: str, kind: str = "text/plain") -> None:
        """Send a whole answer; the last one of the connection when the server stops."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Instance", INSTANCE)
        if self.server.stopping or "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.send_header("Connection", "close")  # a body stays unread, and is no next request
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def parse_request(self) -> bool:
        """Note that a request arrived."""
        self.server.idle.discard(self.connection)
        return super().parse_request()

    def handle_one_request(self) -> None:
        """Wait for a request and answer it."""
        self.server.idle.add(self.connection)
        if self.server.stopping:
            self.close_connection = True
            return
        super().handle_one_request()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.idle.discard(self.connection)
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log every request but the health checks, which come every few seconds."""
        if self.path != "/healthz":
            super().log_request(code, size)


class Stopped(Exception):  # noqa: N818 - it is no error
    """The way out of serve_forever."""


class Server(ThreadingHTTPServer):
    """Shares one listening socket with the other workers, and finishes running requests before it ends."""

    daemon_threads = False

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.stopping = False
        self.idle: set[socket.socket] = set()

    def serve(self) -> None:
        """Answer until SIGTERM, then until the last running request has its answer."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(Stopped):
            self.serve_forever(poll_interval=0.2)
        for connection in tuple(self.idle):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        self.server_close()

    def stop(self, *_: object) -> None:
        """Accept no more connections."""
        self.stopping = True

    def service_actions(self) -> None:
        """Leave serve_forever between two connections, so that none is accepted and then dropped."""
        if self.stopping:
            raise Stopped


def listen(port: int) -> socket.socket:
    """Open the socket that all workers share."""
    listener = socket.create_server(("", port), backlog=128)
    listener.settimeout(0)  # several workers wake up for one connection, and one gets it
    return listener


class Workers:
    """The processes that answer; they end together."""

    def __init__(self, listener: socket.socket, count: int) -> None:
        self.running: set[int] = set()
        self.stopped = False
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        for _ in range(count):
            self.start(listener)
        if self.stopped:
            self.stop()

    def start(self, listener: socket.socket) -> None:
        """Start one worker."""
        worker = os.fork()
        if worker == 0:
            Server(listener).serve()
            os._exit(0)
        self.running.add(worker)

    def stop(self, *_: object) -> None:
        """Tell all workers to finish."""
        self.stopped = True
        for worker in self.running:
            os.kill(worker, signal.SIGTERM)

    def wait(self) -> bool:
        """Wait for all workers; True when they ended because they were told to."""
        told = True
        while self.running:
            worker, _ = os.wait()
            self.running.discard(worker)
            if not self.stopped:
                told = False
                print(f"website: worker {worker} ended by itself", file=sys.stderr)
                self.stop()
        return told


def main() -> int:
    """Answer until told to stop; the exit code."""
    if VERSION == "broken":
        print("website: this image is broken on purpose", file=sys.stderr)
        return 1
    host, _, port = os.environ.get("DB", "").rpartition(":")
    if not host or not port.isdecimal():
        print('website: set DB to the "host:port" of MariaDB', file=sys.stderr)
        return 2
    listener = listen(8080)
    workers = Workers(listener, int(os.environ.get("WORKERS", "2")))
    listener.close()
    print(f"website {VERSION}: {INSTANCE} listens on port 8080 with {len(workers.running)} workers")
    return 0 if workers.wait() else 1


if __name__ == "__main__":
    sys.exit(main())
