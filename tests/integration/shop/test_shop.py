"""The shop of `stacks/shop`, from nothing to an answering site and back, with every part real."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Shop:
    folder: Path
    name: str
    port: int

    def trellis(self, *words: str, status: int = 0) -> str:
        environment = os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}
        command = [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def change(self, before: str, after: str) -> None:
        program = self.folder / "stack.py"
        text = program.read_text()
        assert before in text
        program.write_text(text.replace(before, after))

    def page(self) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", headers={"Host": "shop.localhost"})
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - http, on loopback
                    return answer.read().decode()
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise

    def containers(self, form: str = "{{.Names}} {{.ID}}") -> list[str]:
        command = ["docker", "ps", "-a", "--filter", f"label=io.trellis.stack={self.name}", "--format", form]
        return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Bystander:
    """A container, a volume and files that are somebody else's, as they are at this moment."""

    name: str
    files: Path

    def start(self) -> None:
        (self.files / "notes").write_text("mine\n")
        mounts = ("-v", f"{self.files}:/notes:ro", "-v", f"{self.name}:/data")
        docker("run", "-d", "--name", self.name, *mounts, "trellis-test/echo:1")

    def looked_at(self) -> tuple[object, ...]:
        found = [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(self.files.iterdir())]
        return docker("inspect", self.name), docker("volume", "inspect", self.name), found

    def remove(self) -> None:
        docker("rm", "-f", self.name)
        docker("volume", "rm", self.name)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module", autouse=True)
def bystander(built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is not the stack's own is byte for byte as before once all of these tests have run."""
    built_images("trellis-test/echo:1")
    one = Bystander(f"bystander-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("foreign"))
    one.start()
    before = one.looked_at()
    try:
        yield
        assert one.looked_at() == before
    finally:
        one.remove()


@pytest.fixture(scope="module")
def shop(built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    built_images("shop")
    name = f"shop-{uuid.uuid4().hex[:6]}"
    folder = tmp_path_factory.mktemp("shop") / "stack"
    (folder / "environments").mkdir(parents=True)
    for file in ("stack.py", "trellis.yaml", "environments/dev.yaml"):
        shutil.copy(ROOT / "stacks/shop" / file, folder / file)
    made = Shop(folder, name, free_port())
    made.change('Stack("shop")', f'Stack("{name}")')
    made.change("listens(8088", f"listens({made.port}")
    (folder.parent / "password").write_text("planted-Zq7-secret")
    made.trellis("secret", "set", "MariaDB.root_password", "--from-file", str(folder.parent / "password"))
    yield made
    made.trellis("destroy", "--yes")
    assert made.containers() == []


def test_the_site_answers_and_a_second_up_has_nothing_to_do(shop: Shop) -> None:
    planned = shop.trellis("plan")
    assert shop.containers() == []  # a plan changes nothing
    assert "Plan: 11 to create, 0 to change, 0 to remove on 1 host" in planned
    shop.trellis("up", "--yes")
    assert "version 7.1" in shop.page()
    before = shop.containers()
    assert shop.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."
    assert shop.containers() == before
    assert len(before) == 5


def test_status_says_what_runs_and_how_it_is(shop: Shop) -> None:
    status = json.loads(shop.trellis("status", "--json"))
    assert [(item["service"], item["index"], item["health"]) for item in status["instances"]] == [
        ("MariaDB", 1, "healthy"),
        ("Proxy", 1, "healthy"),
        ("Website", 1, "healthy"),
        ("Website", 2, "healthy"),
        ("Website", 3, "healthy"),
    ]
    assert status["drift"] == []


def test_no_output_and_no_label_holds_a_secret(shop: Shop) -> None:
    outputs = [
        shop.trellis("plan", "--all", "--diff"),
        shop.trellis("plan", "--json"),
        shop.trellis("status", "--json"),
    ]
    outputs += shop.containers("{{.Labels}}")
    outputs += [path.read_bytes().decode(errors="replace") for path in shop.folder.rglob("*") if path.is_file()]
    assert not [text for text in outputs if "planted-Zq7-secret" in text]


def test_a_container_removed_by_hand_comes_back(shop: Shop) -> None:
    before = shop.containers()
    subprocess.run(["docker", "rm", "-f", f"{shop.name}-dev-website-2"], check=True, capture_output=True)
    planned = json.loads(shop.trellis("plan", "--json"))
    assert [step["id"] for step in planned["steps"] if step["verb"] != "keep"] == ["container:website-2@here"]
    shop.trellis("up", "--yes")
    kept = [item for item in shop.containers() if item in before]
    assert len(kept) == 4
    assert len(shop.containers()) == 5


def test_a_new_image_rolls_one_instance_at_a_time(shop: Shop) -> None:
    shop.change("website:7.1", "website:7.2")
    planned = json.loads(shop.trellis("plan", "--json"))
    replaced = [step for step in planned["steps"] if step["verb"] == "replace"]
    assert [step["reason"] for step in replaced] == ["image 7.1 → 7.2"] * 3
    assert replaced[1]["requires"] == [replaced[0]["id"]]
    assert replaced[2]["requires"] == [replaced[1]["id"]]
    shop.trellis("up", "--yes")
    assert "version 7.2" in shop.page()


def test_a_broken_image_stops_the_rollout_and_the_old_ones_serve(shop: Shop) -> None:
    shop.change("website:7.2", "website:broken")
    message = shop.trellis("up", "--yes", status=4)
    assert "the old one runs again" in message
    assert "website-2 on here: skipped" in message
    assert "version 7.2" in shop.page()
    shop.change("website:broken", "website:7.2")
    assert "No changes" in shop.trellis("up", "--yes")


def test_a_stale_plan_is_refused(shop: Shop) -> None:
    saved = shop.folder.parent / "saved.plan"
    shop.trellis("plan", "--out", str(saved))
    subprocess.run(["docker", "rm", "-f", f"{shop.name}-dev-website-3"], check=True, capture_output=True)
    assert "the plan is stale" in shop.trellis("up", str(saved), "--yes", status=5)
    shop.trellis("up", "--yes")


def test_without_a_yes_and_without_a_terminal_nothing_is_done(shop: Shop) -> None:
    before = shop.containers()
    shop.change("website:7.2", "website:7.1")
    shop.trellis("up", status=2)
    assert shop.containers() == before
    shop.change("website:7.1", "website:7.2")
