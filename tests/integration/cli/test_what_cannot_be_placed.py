"""`trellis plan` of what nobody could place: it ends soon, says what is wrong and where, and exits with 2 or 12."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STACK = """
from trellis import Role, Service, Stack, exactly, runs

shop = Stack("shop")


@shop.service(image="trellis-test/echo:1", memory="300 MiB")
class Site(Service):
    pass


@shop.service(image="trellis-test/echo:1", memory="200 MiB")
class Cache(Service):
    pass


@shop.role
class Front(Role):
    cache = runs(Cache, exactly(1))
    site = runs(Site, exactly(COUNT))RULES
"""
HERE = "hosts:\n  here: {connect: 'local://', roles: [Front], capacity: {memory: 600 MiB}}\n"
SECONDS = 60
"""A bound, not a goal: on a quiet machine each of these takes a second or, with 50,000 instances, a few."""


def planned(
    folder: Path, environment: str, *words: str, count: int = 2, rules: str = ""
) -> "subprocess.CompletedProcess[str]":
    (folder / "environments").mkdir()
    (folder / "stack.py").write_text(STACK.replace("COUNT", str(count)).replace("RULES", rules))
    (folder / "trellis.yaml").write_text("default_environment: dev\nplacement: {seconds: 5}\n")
    (folder / "environments" / "dev.yaml").write_text(environment)
    return subprocess.run(
        [sys.executable, "-c", "from trellis.cli.main import main; main()", "plan", *words],
        cwd=folder,
        env={**os.environ, "TRELLIS_KEY_FILE": str(folder / "key.txt")},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_no_hosts(tmp_path: Path) -> None:
    ended = planned(tmp_path, "hosts: {}\n")
    assert (ended.returncode, ended.stdout) == (12, "")
    assert ended.stderr == (
        "error: there are no hosts to run 2 services on\n  at: environment\n  try: add one: trellis host add NAME\n"
    )


@pytest.mark.usefixtures("engine")
def test_rules_that_contradict_each_other(tmp_path: Path) -> None:
    ended = planned(tmp_path, HERE, rules=".together_with(Cache).apart_from(Cache)")
    assert (ended.returncode, ended.stdout) == (12, "")
    assert ended.stderr == (
        "error: Cache and Site must run together and apart\n  at: service Site\n  try: drop one of the two rules\n"
    )


def test_a_pin_to_a_host_that_is_not_there(tmp_path: Path) -> None:
    ended = planned(tmp_path, HERE + "pins: {Site: [heer]}\n")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[:2] == [
        "error: there is no host heer; did you mean here?",
        "  at: environments/dev.yaml: pins.Site[0]",
    ]


@pytest.mark.usefixtures("engine")
def test_50_000_instances_on_a_host_for_two(tmp_path: Path) -> None:
    ended = planned(tmp_path, HERE, "--json", count=50_000)
    assert ended.returncode == 12
    assert "error: 49999 instances do not fit\n" in ended.stderr
    assert "Site needs 300 MiB memory an instance; the best host, here, is 300 MiB memory short" in ended.stderr
    assert "proven: all hosts together are 14.3 TiB memory short" in ended.stderr
    assert '"missing": 49998' in ended.stdout
