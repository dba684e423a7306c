"""A service's own update method: applied for its pair of versions, resumed after a kill, undone after a failure."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = """
from trellis import *

stack = Stack("NAME")

@stack.service(image="trellis-test/echo:1", memory="32 MiB")
class Echo(Service):
    http = listens(8080, health="/healthz")
    data = mounts("/data")
    token = secret("what the upgrade needs")

    @update_from("1")
    def upgrade(self, update: Update) -> None:
        update.run("sh", "-c", 'echo "backup by $VERSION" >> /data/log')
        update.stop()
        update.start()
        update.run("sh", "-c", 'echo "upgrade by $VERSION" >> /data/log; test -n "$0"', self.token.reveal())
        update.run("sh", "-c", 'echo "check by $VERSION" >> /data/log')

@stack.role
class Everything(Role):
    data = Storage("1 MiB", active=1)
    echo = runs(Echo, one_per_role, data=data)
"""
LOG = ["backup by 1", "upgrade by 2", "check by 2"]


@dataclass(frozen=True)
class Site:
    folder: Path
    name: str

    def run(self, *argv: str, status: int = 0) -> str:
        environment = os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}
        ended = subprocess.run(
            argv, capture_output=True, text=True, env=environment, cwd=self.folder, timeout=120, check=False
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def trellis(self, *words: str, status: int = 0) -> str:
        return self.run(str(Path(sys.executable).with_name("trellis")), *words, status=status)

    def killed(self, when: str, number: int) -> None:
        self.run(sys.executable, str(Path(__file__).with_name("killed_up.py")), when, str(number), status=-9)

    def write(self, image: str, *changes: tuple[str, str]) -> None:
        program = PROGRAM.replace("NAME", self.name).replace("echo:1", f"echo:{image}")
        for before, after in changes:
            assert before in program
            program = program.replace(before, after)
        (self.folder / "stack.py").write_text(program)

    def docker(self, *words: str) -> list[str]:
        return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.splitlines()

    def log(self) -> list[str]:
        return self.docker(
            "exec", f"{self.name}-dev-echo-1", "sh", "-c", 'while read -r x; do echo "$x"; done </data/log'
        )

    def containers(self) -> list[str]:
        form = "{{.Names}} {{.Image}} {{.State}}"
        return self.docker("ps", "-a", "--filter", f"label=io.trellis.stack={self.name}", "--format", form)


@pytest.fixture
def site(built_images: Callable[..., None], tmp_path: Path) -> Iterator[Site]:
    built_images("trellis-test/echo:1", "trellis-test/echo:2")
    folder = tmp_path / "stack"
    (folder / "environments").mkdir(parents=True)
    (folder / "trellis.yaml").write_text("default_environment: dev\n")
    (folder / "environments/dev.yaml").write_text(
        'hosts: {here: {connect: "local://", address: 127.0.0.1, roles: [everything]}}\n'
    )
    made = Site(folder, f"upd-{uuid.uuid4().hex[:6]}")
    made.write("1")
    (tmp_path / "token").write_text("planted-Zq9-token")
    made.trellis("secret", "set", "Echo.token", "--from-file", str(tmp_path / "token"))
    made.trellis("up", "--yes")
    yield made
    made.trellis("destroy", "--yes")
    assert made.containers() == []


def test_the_instructions_are_planned_applied_and_in_the_history(site: Site) -> None:
    site.write("2")
    planned = json.loads(site.trellis("plan", "--json"))
    (step,) = [step for step in planned["steps"] if step["verb"] != "keep"]
    assert step["verb"] == "replace"
    assert [line.partition(" ")[0] for line in step["instructions"]] == ["run", "stop", "start", "run", "run"]
    assert step["reason"].startswith("image 1 → 2, by Echo.upgrade: run sh -c ")
    said = site.trellis("up", "--yes")
    assert site.log() == LOG
    assert site.containers() == [f"{site.name}-dev-echo-1 trellis-test/echo:2 running"]
    history = site.trellis("history", "2")
    assert history.count(" update ") == 5
    assert "planted-Zq9" not in said + history + json.dumps(planned)
    assert "No changes" in site.trellis("up", "--yes")


@pytest.mark.parametrize("number", [1, 3, 4])
def test_killed_after_an_instruction_the_next_run_goes_on_with_the_next_one(site: Site, number: int) -> None:
    site.write("2")
    site.killed("after", number)
    said = site.trellis("up", "--yes")
    assert "going on after: run sh -c" in said
    assert site.log() == LOG
    assert site.containers() == [f"{site.name}-dev-echo-1 trellis-test/echo:2 running"]
    assert "No changes" in site.trellis("up", "--yes")


def test_killed_before_the_new_one_starts_nothing_is_lost(site: Site) -> None:
    site.write("2")
    site.killed("before", 3)
    site.trellis("up", "--yes")
    assert site.log() == LOG


def test_a_failing_instruction_is_said_and_the_old_instance_runs_again(site: Site) -> None:
    broken = ('upgrade by $VERSION" >> /data/log;', 'upgrade by $VERSION" >> /data/log; echo no room; exit 3;')
    site.write("2", broken)
    said = site.trellis("up", "--yes", status=4)
    assert "ended with status 3; its last lines:\n  | no room" in said
    assert "instruction 4, run sh -c" in said
    assert "done before: run sh -c" in said
    assert "the old one runs again" in said
    assert "planted-Zq9" not in said
    assert site.containers() == [f"{site.name}-dev-echo-1 trellis-test/echo:1 running"]
    site.write("2")
    site.trellis("up", "--yes")  # from the start: what was done before was undone
    assert site.log() == ["backup by 1", "upgrade by 2", *LOG]


def test_versions_that_no_method_is_for_are_replaced_as_usual(site: Site) -> None:
    site.write("2", ('update_from("1")', 'update_from("0.*")'))
    (step,) = [step for step in json.loads(site.trellis("plan", "--json"))["steps"] if step["verb"] != "keep"]
    assert (step["instructions"], step["reason"]) == ([], "image 1 → 2")
