"""This machine's engine, with names of the test's own; whatever a test leaves is removed by its label."""

import itertools
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test folders are not packages

from docker_stage import Stage

_numbers = itertools.count(1)


@pytest.fixture
def api(engine: None) -> Iterator[Any]:  # noqa: ARG001 - needed, not read
    """Docker's own client, to look from outside and to play the part of somebody else."""
    from docker.api.client import APIClient

    client = APIClient(version="auto")
    yield client
    client.close()


@pytest.fixture
def stage(api: Any) -> Iterator[Stage]:
    """An environment of its own, removed afterwards."""
    name = f"dk{os.getpid()}n{next(_numbers)}"
    yield Stage(name, free_port())
    remove_all(api, name)


def free_port() -> int:
    """A port that nobody listens on; asked for below the range that Linux hands out."""
    for port in range(29000 + os.getpid() % 500, 29999):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    pytest.fail("no free port")


def remove_all(api: Any, name: str) -> None:
    """Everything that a test made, by its label or its name."""
    chosen = [*api.containers(all=True, filters={"name": name})]
    for container in chosen:
        api.remove_container(container["Id"], v=True, force=True)
    for network in api.networks(filters={"name": name}):
        api.remove_network(network["Id"])
    for volume in api.volumes(filters={"name": name})["Volumes"] or ():
        api.remove_volume(volume["Name"])
