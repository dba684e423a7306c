"""The commands about hosts, against a host that is reached over ssh."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trellis_lab import Lab

STACK = """
from trellis import Role, Stack, static_file

notes = Stack("notes")


@notes.role
class Front(Role):
    note = static_file("/etc/notes-NAME", "note")
"""


def trellis(project, *arguments):
    program = "from trellis.cli.main import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_host_is_added_trusted_by_its_fingerprint_and_scanned(lab, tmp_path):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").touch()
    (tmp_path / "trellis.yaml").write_text("default_environment: dev\n")
    url, identity = f"ssh://deploy@{lab.host('h1').address}", f"identity_file={lab.access.identity}"
    assert trellis(tmp_path, "host", "add", "h1", "--connect", url, "--option", identity).returncode == 0
    unknown = trellis(tmp_path, "scan")
    assert unknown.returncode == 11
    assert "is not known yet: SHA256:" in unknown.stderr

    asked = trellis(tmp_path, "host", "trust", "h1")
    assert asked.returncode == 2
    fingerprint = next(word for word in asked.stderr.split() if word.startswith("SHA256:")).rstrip(".")
    assert trellis(tmp_path, "host", "trust", "h1", "--fingerprint", "SHA256:other").returncode == 3
    assert not (tmp_path / ".trellis" / "known_hosts").exists()

    assert trellis(tmp_path, "host", "trust", "h1", "--fingerprint", fingerprint).returncode == 0
    scanned = trellis(tmp_path, "scan")
    assert (scanned.returncode, scanned.stderr) == (0, "")
    assert scanned.stdout.splitlines()[1].startswith("h1")
    assert trellis(tmp_path, "host", "bootstrap", "h1").stderr == "h1 has Docker Engine already\n"


Options = dict[str, str]


def through_a_jump_host(lab: Lab, folder: Path) -> Options:
    del folder
    jumps = ",".join(f"plain@{lab.host(name).address}" for name in ("h1", "h2"))
    return {"identity_file": str(lab.access.identity), "jump": jumps}


def with_a_certificate(lab: Lab, folder: Path) -> Options:
    key = folder / "id"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
    sign = ["ssh-keygen", "-q", "-s", lab.access.user_ca, "-I", "ops", "-n", "deploy", "-V", "+5m", f"{key}.pub"]
    for command in (make, sign):
        subprocess.run(command, check=True)
    certificate = key.with_name("id-cert.pub").rename(folder / "certificate.pub")
    return {"identity_file": str(key), "certificate_file": str(certificate)}


def with_an_agent(lab: Lab, folder: Path) -> Options:
    del lab, folder
    return {}


@pytest.mark.parametrize("way", [through_a_jump_host, with_a_certificate, with_an_agent])
def test_an_environment_file_says_how_a_host_is_reached(
    way: Callable[[Lab, Path], Options], lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = str(tmp_path / "agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE) as agent:
        assert agent.stdout
        agent.stdout.readline()  # it says where its socket is once it has one
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        if way is with_an_agent:
            subprocess.run(["ssh-add", "-q", lab.access.identity], check=True, env=dict(os.environ))
        try:
            scan_and_up(lab, tmp_path, way(lab, tmp_path), way.__name__)
        finally:
            agent.terminate()


def scan_and_up(lab: Lab, folder: Path, options: Options, name: str) -> None:
    """The host is scanned, gets its file, and loses it again, all of it over the way that its options say."""
    address = str(lab.host("h3").address)
    entry = {
        "connect": f"ssh://deploy@{address}",
        "roles": ["Front"],
        "options": {**options, "known_hosts": str(lab.access.known_hosts)},
    }
    (folder / "environments").mkdir()
    (folder / "environments" / "dev.yaml").write_text(json.dumps({"hosts": {"h3": entry}}))  # JSON is YAML
    (folder / "trellis.yaml").write_text("default_environment: dev\n")
    (folder / "stack.py").write_text(STACK.replace("NAME", name))
    (folder / "note").write_text(f"{name}\n")
    scanned = trellis(folder, "scan", "--json")
    assert scanned.returncode == 0, scanned.stderr
    assert [(one["name"], one["usable"]) for one in json.loads(scanned.stdout)["hosts"]] == [("h3", True)]
    applied = trellis(folder, "up", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert lab.execute("h3", "cat", f"/etc/notes-{name}") == (0, f"{name}\n")
    assert trellis(folder, "destroy", "--yes").returncode == 0
    assert lab.execute("h3", "test", "-e", f"/etc/notes-{name}")[0] == 1
