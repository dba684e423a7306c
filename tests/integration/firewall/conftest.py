"""Four lab hosts with a stack behind firewalls, and bystanders that nobody told Trellis about."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trellis_lab import Lab

STACK = """
from trellis import Role, Service, Stack, allow_to, connects_to, listens, one_per_host, one_per_role, runs

wall = Stack("{name}")
IMAGE = "trellis-test/echo:1"


@wall.service(image=IMAGE, relocatable=True)
class Back(Service):
    http = listens(8080)


@wall.service(image=IMAGE, host_network=True)
class Native(Service):
    http = listens(8080)


@wall.service(image=IMAGE)
class Front(Service):
    back = connects_to(Back.http)
    native = connects_to(Native.http)
    monitor = allow_to("{monitor}", port=18999)
    http = listens(8080, host_port=18080, public=True)


@wall.role
class Backs(Role):
    back = runs(Back, one_per_role)


@wall.role
class Natives(Role):
    native = runs(Native, one_per_role)


@wall.role
class Fronts(Role):
    front = runs(Front, one_per_host)
"""

BYSTANDER_PORT = 18999
ROLES = {"h1": ["Backs"], "h2": ["Backs"], "h3": ["Fronts"], "h4": ["Natives"]}


@dataclass
class Wall:
    """A project on four lab hosts, and who can connect to what there."""

    folder: Path
    name: str
    lab: Lab

    def trellis(self, *words: str, status: int = 0) -> str:
        environment = os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}
        command = [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def environment(
        self, *, exclusive: Iterable[str] = (), roles: Mapping[str, list[str]] | None = None, **more: object
    ) -> None:
        """Write the environment file: four hosts, `Back` pinned where the caller says, and a firewall section."""
        carried = {**ROLES, **(roles or {})}
        found: Any = self.lab.environment_hosts()
        hosts = {name: {**value, "roles": carried[name]} for name, value in found.items()}
        for host in exclusive:
            hosts[host]["exclusive"] = True
        # JSON is YAML too.
        (self.folder / "environments" / "lab.yaml").write_text(json.dumps({"hosts": hosts, **more}))

    def up(self) -> str:
        return self.trellis("up", "--yes")

    def address(self, host: str) -> str:
        return str(self.lab.host(host).address)

    def port(self, instance: str) -> tuple[str, int]:
        """Where an instance answers: its host's address and the port there."""
        document = json.loads(self.trellis("status", "--json"))
        (found,) = [one for one in document["instances"] if one["name"] == instance]
        return self.address(found["host"]), int(found["endpoints"]["http"]["port"])

    def reached(self, client: str, targets: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Which targets a client reaches: ``h1``, or a container on a host, ``h1/bystander``; all at once."""
        host, _, container = client.partition("/")
        wanted = list(targets)
        words = [f"{address}:{port}" for address, port in wanted]
        inside = ["docker", "exec", container, "busybox"] if container else []
        script = _IN_CONTAINER if container else _ON_HOST
        shell = "sh" if container else "bash"
        status, said = self.lab.execute(host, *inside, shell, "-c", script, shell, *words)
        assert status == 0, said
        return {target for target in wanted if f"{target[0]}:{target[1]} open" in said.splitlines()}

    def matrix(self, clients: Iterable[str], targets: Iterable[tuple[str, int]]) -> dict[str, set[tuple[str, int]]]:
        """What each client reaches."""
        every, wanted = list(clients), list(targets)
        with ThreadPoolExecutor(len(every)) as pool:
            return dict(zip(every, pool.map(lambda client: self.reached(client, wanted), every), strict=True))


_ON_HOST = """
for target in "$@"; do
    (timeout 2 bash -c 'exec 3<>/dev/tcp/"$0"/"$1"' "${target%:*}" "${target##*:}" 2>/dev/null && echo "$target open") &
done
wait
"""

_IN_CONTAINER = """
for target in "$@"; do
    (busybox nc -w 2 "${target%:*}" "${target##*:}" </dev/null >/dev/null 2>&1 && echo "$target open") &
done
wait
"""


@pytest.fixture(scope="package")
def wall(built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    built_images("trellis-test/echo")
    name = f"wall{uuid.uuid4().hex[:6]}"
    folder = tmp_path_factory.mktemp("wall") / "stack"
    (folder / "environments").mkdir(parents=True)
    (folder / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: lab\n")
    with Lab.up(4, name=f"lb-{uuid.uuid4().hex[:8]}", temporary=True) as lab:
        (folder / "stack.py").write_text(STACK.format(name=name, monitor=lab.host("h1").address))
        lab.load("trellis-test/echo:1")
        for host in ROLES:
            lab.execute(
                host, "docker", "run", "-d", "--restart", "always", "--name", "bystander",
                "-p", f"{BYSTANDER_PORT}:8080", "trellis-test/echo:1",
            )  # fmt: skip
        yield Wall(folder, name, lab)
