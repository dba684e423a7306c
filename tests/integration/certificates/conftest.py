"""A project with two balancers on lab hosts, and a Pebble that can reach them."""

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trellis_lab import Lab

sys.path.insert(0, str(Path(__file__).parent))  # test folders are not packages

pytest.register_assert_rewrite("authorities", "project")

from authorities import Pebble, is_installed  # noqa: E402 - after its asserts are set to explain themselves
from project import HTTP, SHOP, WWW, Project  # noqa: E402 - likewise


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    if not is_installed():
        pytest.fail("Pebble is missing (scripts/test-parts)")
    found = Pebble(tmp_path_factory.mktemp("pebble"), HTTP)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def project(
    lab: Lab, built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory, pebble: Pebble
) -> Iterator[Project]:
    built_images("shop/haproxy", "trellis-test/echo")
    lab.load("shop/haproxy:2.6", "trellis-test/echo:1")
    found = Project(tmp_path_factory.mktemp("tls") / "stack", lab, f"tls-{uuid.uuid4().hex[:6]}")
    found.certificates = {
        "issuer": "letsencrypt",
        "directory": pebble.directory,
        "directory_ca": str(pebble.directory_ca),
        "contact": "ops@shop.example",
    }
    found.write()
    for name in (SHOP, WWW):
        pebble.resolve(name, found.addresses)
    yield found
    found.trellis("destroy", "--yes")
    for host in found.hosts:
        status, left = lab.execute(host, "sh", "-c", "ls /var/lib/trellis 2>/dev/null")
        assert (status == 0, found.name in left) == (status == 0, False)
