"""A real HAProxy container on this machine, and real servers behind it."""

import contextlib
import http.server
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from visiting import Answer, visit

from trellis.blueprint import Blueprint, EndpointSpec, ServiceSpec
from trellis.deployment import DeployedInstance, DeployedSite, Deployment, HostAddress
from trellis.hosts import Host, HostFacts
from trellis.plans import Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Resource
from trellis_haproxy import trellis_resources
from trellis_haproxy.asking import wait_until_loaded
from trellis_haproxy.provider import HAProxyProvider
from trellis_haproxy.runtime import reloads_in
from trellis_local.session import LocalSession

IMAGE = "shop/haproxy:2.6"
HERE = Host("here")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.server.name} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Backend(http.server.ThreadingHTTPServer):
    """A server that says its name and the path."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def answers(self) -> tuple[str, HostAddress]:
        return self.name, HostAddress("127.0.0.1", self.server_address[1])

    def stop(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def a_site(domain: str, *servers: tuple[str, HostAddress], path: str = "/", health: str = "") -> DeployedSite:
    return DeployedSite(
        name="public",
        domain=domain,
        path=path,
        tls=False,
        service="Website",
        endpoint="http",
        health_path=health,
        servers=servers,
    )


@dataclass
class ProxyHost:
    """What `trellis up` does about one host's proxy, in short."""

    data_dir: Path
    stack: str = field(default_factory=lambda: f"hx{uuid.uuid4().hex[:8]}")
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.session = LocalSession(HERE)
        self.provider = HAProxyProvider()
        self.scope = Scope(self.stack, "dev", data_dir=str(self.data_dir))
        self.container = f"{self.stack}-dev-haproxy-1"
        self.file = self.data_dir / self.stack / "dev" / "haproxy-1" / "etc" / "haproxy.cfg"

    def desired(self, *sites: DeployedSite, port: int | None = None) -> Resource:
        endpoint = EndpointSpec("http", port or self.port)
        service = ServiceSpec("HAProxy", IMAGE, endpoints=(endpoint,), network="host", provided_by="trellis_haproxy")
        deployment = Deployment(
            environment="dev",
            blueprint=Blueprint(self.stack, (service,)),
            config={},
            hosts={"here": HERE},
            facts={"here": HostFacts(data_dir=str(self.data_dir))},
            instances=(DeployedInstance(service, "Web", 1, HERE, self.container),),
            sites=sites,
        )
        (resource,) = trellis_resources(deployment)
        return resource

    async def plan(self, desired: Resource | None) -> Step | None:
        (actual,) = await self.provider.observe(self.session, self.scope) or (None,)
        if desired is None and actual is None:
            return None
        decision = self.provider.decide(desired, actual, b"")
        key = (desired or actual).key
        return Step(key, decision.verb, decision.reason, desired, actual, decision.changes, drift=decision.drift)

    async def up(self, desired: Resource | None) -> Step | None:
        """The step that did something, or None."""
        step = await self.plan(desired)
        if step is None or step.verb is Verb.KEEP:
            return None
        await self.provider.apply(step, Applying(self.session, self.scope, print))
        return step

    def start(self, resource: Resource) -> None:
        """Start the container as the engine does: with the mounts that the resource asks for."""
        mounts = []
        for mount in resource.spec["mounts_into"]["mounts"]:
            mounts += ["-v", f"{mount['source']}:{mount['target']}:{'ro' if mount['read_only'] else 'rw'}"]
        subprocess.run(
            ["docker", "run", "-d", "--name", self.container, "--network", "host", *mounts, IMAGE],
            check=True,
            capture_output=True,
        )

    def stop(self) -> None:
        for name in (self.container, f"{self.container}.check"):
            subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)

    def reloads(self) -> int:
        """How often the master has been reloaded."""
        command = ["docker", "exec", self.container, "sh", "-c", "echo 'show proc' | socat - /run/haproxy/master.sock"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return reloads_in(said)[0]

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        answer = self.visit(host, path=path)
        return answer.status, answer.text

    def visit(self, host: str, cookie: str = "", path: str = "/", method: str = "GET") -> Answer:
        headers = {"Cookie": cookie} if cookie else {}
        return visit("127.0.0.1", self.port, host, path, headers=headers, method=method)


@pytest.fixture
def host(tmp_path: Path, engine: None) -> Iterator[ProxyHost]:  # noqa: ARG001 - needed, not read
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode != 0:
        subprocess.run(["scripts/images", IMAGE], check=True, cwd=Path(__file__).parents[3])
    found = ProxyHost(tmp_path / "data")
    yield found
    found.stop()


@pytest.fixture
def backends() -> Iterator[list[Backend]]:
    started = [Backend(f"website-{number}") for number in (1, 2, 3)]
    yield started
    for backend in started:
        with contextlib.suppress(OSError):
            backend.stop()


@pytest.fixture
async def running(host: ProxyHost, backends: list[Backend]) -> ProxyHost:
    """A host whose proxy serves shop.example from the first backend."""
    desired = host.desired(a_site("shop.example", backends[0].answers))
    await host.up(desired)
    host.start(desired)
    digest = str(desired.spec["digest"])
    assert await wait_until_loaded(host.session, host.container, [host.port], digest, seconds=20)
    return host


@pytest.fixture
def site():
    return a_site
