"""A run that is killed at any command converges the next time; nothing is lost or doubled."""

import os
import shutil

import pytest

from trellis.errors import ApplyError
from trellis.plugin.contracts import Applying

COMMANDS = (
    *("base64", "chmod", "chown", "cp", "cut", "dd", "dirname", "flock", "id", "mkdir", "mktemp"),
    *("mv", "rm", "rmdir", "sed", "sha256sum", "stat", "sync", "tr", "wc"),
)
SHIM = """#!/bin/sh
count=$(($(/bin/cat {counter}) + 1))
echo "$count" >{counter}.$$
/bin/mv {counter}.$$ {counter}
if [ "$count" -eq {at} ]; then kill -9 0; fi
exec {real} "$@"
"""


class Killer:
    """Puts commands in front of the real ones that kill their process group before the n-th of them runs."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch, self.path = folder, monkeypatch, os.environ["PATH"]
        self.counter = folder / "count"
        folder.mkdir()

    def arm(self, at):
        self.counter.write_text("0\n")
        for name in COMMANDS:
            shim = self.folder / name
            shim.write_text(SHIM.format(counter=self.counter, at=at, real=shutil.which(name, path=self.path)))
            shim.chmod(0o755)
        self.monkeypatch.setenv("PATH", f"{self.folder}:{self.path}")

    def disarm(self):
        self.monkeypatch.setenv("PATH", self.path)
        return int(self.counter.read_text())


@pytest.fixture
def killer(tmp_path, monkeypatch):
    return Killer(tmp_path / "shims", monkeypatch)


async def apply_and_be_killed(host, killer, at, *desired):
    """True when the run was killed, False when it had fewer commands than that."""
    (step,) = await host.plan(*desired)
    killer.arm(at)
    try:
        await host.provider.apply(step, _applying(host))
    except ApplyError:
        assert killer.disarm() == at
        return True
    killer.disarm()
    return False


def _applying(host):
    return Applying(host.session, host.scope, print)


async def test_a_write_killed_at_any_command_converges(tmp_path, make_host, killer):
    """Before: somebody's file. Afterwards: ours; and when ours goes, theirs is back."""
    kills = 0
    while True:
        root = tmp_path / f"root-{kills}"
        root.mkdir()
        (root / "motd").write_text("theirs")
        host = make_host(root, tmp_path / f"data-{kills}")
        motd = host.file("motd", "ours")
        killed = await apply_and_be_killed(host, killer, kills + 1, motd)
        assert (root / "motd").read_text() in {"theirs", "ours"}
        steps = await host.up(motd)
        assert not any(step.drift for step in steps), kills
        assert [(path.name, path.read_text()) for path in root.iterdir()] == [("motd", "ours")], kills
        assert await host.up(motd) == [], kills
        await host.up()
        assert [(path.name, path.read_text()) for path in root.iterdir()] == [("motd", "theirs")], kills
        assert list(host.data_dir.iterdir()) == [], kills
        if not killed:
            break
        kills += 1
    assert kills >= 13


async def test_a_removal_killed_at_any_command_converges(tmp_path, make_host, killer):
    kills = 0
    while True:
        root = tmp_path / f"root-{kills}"
        root.mkdir()
        (root / "motd").write_text("theirs")
        host = make_host(root, tmp_path / f"data-{kills}")
        await host.up(host.file("motd", "ours"), host.file("new/other", "x"))
        await host.up(host.file("new/other", "x"))
        await host.up(host.file("motd", "ours"), host.file("new/other", "x"))
        (step, _) = await host.plan()
        await host.provider.apply(step, _applying(host))
        killed = await apply_and_be_killed(host, killer, kills + 1)
        await host.up()
        assert [(path.name, path.read_text()) for path in root.iterdir() if path.is_file()] == [("motd", "theirs")]
        assert not list(host.data_dir.rglob("*.entry"))
        if not killed:
            break
        kills += 1
    assert kills >= 8
