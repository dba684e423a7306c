"""Ctrl-C in the middle of an `up`, and a second one meanwhile: the step is finished, the lock is held and released."""

import json
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_project import Project

SLOW = """
READY = ("busybox", "sh", "-c", "busybox sleep 4; busybox touch /tmp/ready; busybox sleep 1000")

CHECK = command("busybox", "test", "-e", "/tmp/ready")

@stack.service(image="trellis-test/echo:1", command=READY, health=CHECK, stop_grace=1)
class Slow(Service):
    http = listens(8080)

@stack.service(image="trellis-test/echo:1")
class Next(Service):
    http = listens(8080)
    slow = connects_to(Slow.http)

@stack.role
class Web(Role):
    slow = runs(Slow, exactly(1))
    next = runs(Next, exactly(1))
"""


@pytest.fixture
def project(tmp_path: Path, built_images: Callable[..., None]) -> Iterator[Project]:
    built_images("trellis-test/echo:1")
    made = Project(tmp_path / "stack", f"int-{uuid.uuid4().hex[:6]}")
    made.write(SLOW)
    yield made
    assert made.run("destroy", "--yes").status == 0
    assert made.containers() == []


def until(what: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_finishes_the_step_releases_the_lock_and_is_recorded(project: Project) -> None:
    said = project.folder / "said"
    with said.open("w") as stream:
        running = subprocess.Popen(
            [project.command, "up", "--yes"],
            cwd=project.folder,
            env=project.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
        )
    until(lambda: "+ container slow-1 on here" in said.read_text())

    second = project.run("up", "--yes")
    assert second.status == 10, second
    assert f"(pid {running.pid}, trellis up --yes)" in second.stderr

    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 8
    text = said.read_text()
    assert "cancelling: finishing what is under way" in text
    assert "+ container next-1 on here: skipped" in text
    assert "Traceback" not in text
    assert project.containers() == [f"{project.name}-dev-slow-1 running"]
    assert "nobody holds a lock" in project.run("lock", "status").stderr
    runs = json.loads(project.run("history", "--json").stdout)["runs"]
    assert runs[0]["outcome"] == "cancelled"

    again = project.run("up", "--yes")  # goes on
    assert again.status == 0, again
    assert "Plan: 1 to create, 0 to change, 0 to remove on 1 host" in again.stdout
    assert project.run("up", "--yes").stdout == "No changes: everything is as the stack says.\n"


def test_a_closed_standard_input_is_nobody_to_ask(project: Project) -> None:
    words = f"exec {project.command} up <&-"
    ended = subprocess.run(
        ["sh", "-c", words], cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended
    assert "needs a confirmation" in ended.stderr
    assert "add --yes" in ended.stderr
    assert project.containers() == []
