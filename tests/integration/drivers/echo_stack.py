"""A small stack with one of each thing: an image of 2 MB, data, files, and a proxy in front."""

import time

from workplace import Workplace

IMAGES = ("trellis-test/echo:1", "trellis-test/echo:2", "shop/haproxy:2.6")
PORT = 8090
DOMAIN = "echo.localhost"
DATA = "what the customers typed"
LEFTOVERS = (
    "ls -A /etc | grep -F .trellis-; "
    "find /var/lib/trellis -name '*.new' -o -name candidate.cfg -o -name previous.cfg 2>/dev/null"
)

PROGRAM = """
from trellis import (
    Role, Service, Stack, Storage, exactly, listens, mounts, one_per_host, one_per_role, runs, site, static_file,
)
from trellis_haproxy import HAProxy

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1")
class Keeper(Service):
    http = listens(8080, health="/healthz")
    data = mounts("/data")


@stack.service(image="trellis-test/echo:1", relocatable=True)
class Echo(Service):
    http = listens(8080, health="/healthz")
    public = site("echo.localhost", http, tls=False)

    def env(self):
        return {"INSTANCE": self.name}


@stack.service()
class Proxy(HAProxy):
    http = listens(8090, public=True)


@stack.role
class Data(Role):
    data = Storage("10 MiB", active=1)
    keeper = runs(Keeper, one_per_role, data=data)


@stack.role
class Web(Role):
    proxy = runs(Proxy, one_per_host)
    echo = runs(Echo, exactly(2))
    note = static_file("/etc/echo.note", "note")
"""


def write_version(place: Workplace, version: int) -> None:
    """The stack as it is in one of two versions: image, file and number of instances differ."""
    count, other = (2, 1) if version == 1 else (3, 2)
    text = PROGRAM.replace("NAME", place.stack).replace("exactly(2)", f"exactly({count})")
    (place.folder / "stack.py").write_text(text.replace('echo:1", relocatable', f'echo:{other}", relocatable'))
    (place.folder / "note").write_text(f"version {version}\n")


def container_of(place: Workplace, short: str) -> str:
    """A container's whole name."""
    return f"{place.stack}-dev-{short}"


def whole(place: Workplace, version: int, placed: dict[str, list[str]]) -> None:
    """Make sure that everything is there once, as the version says, and nothing besides."""
    instances = {short for names in placed.values() for short in names if short.startswith("echo")}
    for host, shorts in placed.items():
        listed = place.on(host, "docker", "ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()
        assert sorted(listed) == sorted(f"{container_of(place, short)} running" for short in shorts), host
        named = ("--format", "{{.Name}}", "--filter", f"label=io.trellis.stack={place.stack}")
        behind = [short for short in shorts if not short.startswith("proxy")]  # proxies are on the host's own network
        assert place.on(host, "docker", "network", "ls", *named).split() == [f"{place.stack}-dev"][: len(behind)], host
        assert place.on(host, "sh", "-c", f"{LEFTOVERS}; true") == "", host
        if any(short.startswith("proxy") for short in shorts):
            assert place.on(host, "cat", "/etc/echo.note") == f"version {version}\n"
            answers(place, host, version, instances)


def answers(place: Workplace, host: str, version: int, instances: set[str]) -> None:
    """Make sure that a host's proxy asks all instances, and that they are of the version."""
    seen: set[str] = set()
    deadline = time.monotonic() + 30
    while seen != instances:
        assert time.monotonic() < deadline, f"{instances - seen} do not answer through {host}"
        page = dict(word.split("=") for word in place.page(host, PORT, DOMAIN).split())
        assert page["version"] == str(version)
        seen.add(page["instance"])


def data_is_whole(place: Workplace, host: str) -> None:
    """Make sure that what was written into the storage is still there."""
    volume = place.on(host, "docker", "volume", "ls", "-q", "--filter", f"label=io.trellis.stack={place.stack}").split()
    assert len(volume) == 1
    assert place.on(host, "cat", f"/var/lib/docker/volumes/{volume[0]}/_data/typed") == DATA


def write_data(place: Workplace, host: str) -> None:
    """Write something into the storage that must not be lost."""
    volume = place.on(host, "docker", "volume", "ls", "-q", "--filter", f"label=io.trellis.stack={place.stack}").strip()
    place.on(host, "sh", "-c", f"printf '%s' '{DATA}' >/var/lib/docker/volumes/{volume}/_data/typed")
