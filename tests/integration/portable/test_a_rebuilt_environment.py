"""An environment is exported, destroyed, imported into an empty folder and brought up: the same instances answer."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

STACK = """
from trellis import Role, Service, Stack, exactly, listens, runs, secret

stack = Stack("{name}")


@stack.service(image="trellis-test/echo:1", cpu=0.1, memory="16MiB")
class Echo(Service):
    http = listens(8080, health="/")
    word = secret("what only the containers know")

    def env(self) -> dict[str, object]:
        return {{"WORD": self.word}}


@stack.role
class Web(Role):
    echo = runs(Echo, exactly(2))
"""
ENVIRONMENT = """# kept as it is
hosts:
  here: {connect: "local://", address: 127.0.0.1, roles: [Web]}  # moved in autumn
"""


@dataclass(frozen=True)
class Console:
    """An operator's folder on this machine."""

    folder: Path
    name: str

    def trellis(self, *words: str, status: int = 0) -> str:
        ended = subprocess.run(
            [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words],
            capture_output=True, text=True, timeout=120, check=False,
            env=os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")},
        )  # fmt: skip
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout

    def instances(self) -> dict[str, str]:
        """Name to its published address."""
        lines = _docker("ps", "--filter", f"name={self.name}", "--format", "{{.Names}} {{.Ports}}").splitlines()
        return {line.split()[0]: line.split()[1].partition("->")[0] for line in lines}

    def answers(self) -> dict[str, int]:
        return {
            name: urllib.request.urlopen(f"http://{address}/", timeout=10).status
            for name, address in self.instances().items()
        }


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def console(tmp_path: Path, built_images: Callable[..., None]) -> Iterator[Console]:
    built_images("trellis-test/echo")
    made = Console(tmp_path / "old", f"pt{os.getpid()}")
    (made.folder / "environments").mkdir(parents=True)
    (made.folder / "trellis.yaml").write_text("default_environment: dev\n")
    (made.folder / "stack.py").write_text(STACK.format(name=made.name))
    (made.folder / "environments" / "dev.yaml").write_text(ENVIRONMENT)
    yield made
    if left := _docker("ps", "-aq", "--filter", f"name={made.name}").split():
        _docker("rm", "-f", *left)
    if left := _docker("network", "ls", "-q", "--filter", f"name={made.name}").split():
        _docker("network", "rm", *left)


def test_the_same_instances_answer(console: Console, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("swordfish")
    console.trellis("secret", "set", "Echo.word", "--from-file", str(tmp_path / "word"))
    console.trellis("up", "--yes")
    before = console.instances()
    names = {f"{console.name}-dev-echo-1", f"{console.name}-dev-echo-2"}
    assert console.answers() == dict.fromkeys(names, 200)
    digest = json.loads(console.trellis("plan", "--json"))["bound_to"]["blueprint"]
    document = tmp_path / "dev.yaml"
    console.trellis("export", "--out", str(document))
    assert "swordfish" not in document.read_text()
    console.trellis("destroy", "--yes")
    assert console.instances() == {}

    new = Console(tmp_path / "new", console.name)
    new.folder.mkdir()
    new.trellis("import", str(document))
    assert (new.folder / "environments" / "dev.yaml").read_text() == ENVIRONMENT
    plan = json.loads(new.trellis("plan", "--json"))
    assert plan["bound_to"]["blueprint"] == digest
    assert plan["drift"] == []  # nobody removed anything by hand: these are other hosts
    new.trellis("up", "--yes")
    assert new.instances() == before
    assert new.answers() == dict.fromkeys(names, 200)
    word = _docker("inspect", "--format", "{{.Config.Env}}", f"{console.name}-dev-echo-1")
    assert "WORD=swordfish" in word
    runs = json.loads(new.trellis("history", "--json"))["runs"]
    assert [(run["run"], run["outcome"]) for run in runs] == [(2, "done"), (1, "done")]
    new.trellis("destroy", "--yes")
