"""A project with two balancers on lab hosts, and a Pebble that can reach them."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from authorities import Pebble, is_installed
from certified_project import HTTP, SHOP, WWW, Project

from trellis_lab import Lab


@pytest.fixture(scope="module")
def project(lab: Lab, built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    built_images("shop/haproxy", "trellis-test/echo")
    lab.load("shop/haproxy:2.6", "trellis-test/echo:1")
    found = Project(tmp_path_factory.mktemp("tls") / "stack", lab, f"tls-{uuid.uuid4().hex[:6]}")
    yield found
    found.trellis("destroy", "--yes")
    for host in found.hosts:
        assert found.name not in lab.execute(host, "sh", "-c", "ls /var/lib/trellis; docker ps -a")[1]


@pytest.fixture(scope="module")
def pebble(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A Pebble, and the project told to use it."""
    if not is_installed():
        part = "Pebble is missing (scripts/test-parts)"
        pytest.fail(part) if os.environ.get("CI") == "true" else pytest.skip(part)
    found = Pebble(tmp_path_factory.mktemp("pebble"), HTTP)
    found.start()
    project.certificates = {
        "issuer": "letsencrypt",
        "directory": found.directory,
        "directory_ca": str(found.directory_ca),
        "contact": "ops@shop.example",
    }
    project.write()
    for name in (SHOP, WWW):
        found.resolve(name, project.addresses)
    yield found
    found.stop()
