"""The commands about hosts, against a host that is reached over ssh."""

import subprocess
import sys


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
