"""Real faults of a disk: read-only, full, failing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trellis.state.store import open_store

WRITE = """
import sys
from trellis.errors import StateError
from trellis.state.records import RunRecord
from trellis.state.store import open_store

try:
    store = open_store(sys.argv[1])
    for number in range(2000):
        store.begin(RunRecord("prod", "shop", "trellis up", "ann@desk", summary="x" * 1000))
except StateError as error:
    print(f"{error} | {error.hint}")
"""


def held_to_permissions(program: str, *arguments: str) -> str:
    """What a Python program prints; root, whom permissions do not stop, gives up that power first."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    completed = subprocess.run(
        [*drop, sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    )
    assert completed.stderr == ""
    return completed.stdout.strip()


def test_a_folder_that_cannot_be_written_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    said = held_to_permissions(WRITE, f"sqlite:///{closed}/.trellis/state.db")
    assert said == (
        f"{closed}/.trellis/state.db: the state cannot be written: Permission denied | "
        "make the folder writable for this account, or set another `state:` in trellis.yaml"
    )


def test_a_file_that_cannot_be_written_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / ".trellis" / "state.db"
    open_store(f"sqlite:///{file}").close()
    file.chmod(0o444)
    file.parent.chmod(0o555)
    said = held_to_permissions(WRITE, f"sqlite:///{file}")
    file.parent.chmod(0o755)
    assert said.startswith(f"{file}: the state cannot be used: ")
    assert "writable for this account" in said


def test_a_write_that_the_disk_refuses_is_an_error_and_what_was_recorded_stays(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n{WRITE}"
    completed = subprocess.run(
        [sys.executable, "-c", limited, f"sqlite:///{file}"], check=True, capture_output=True, text=True
    )
    assert completed.stdout.startswith(f"{file}: the state cannot be used: ")
    assert "disk" in completed.stdout.partition("|")[2]
    store = open_store(f"sqlite:///{file}")
    assert len(store.history(limit=1000)) > 10
    store.close()


def test_a_full_disk_is_an_error_and_what_was_recorded_stays(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "trellis-test", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root; the refused write above covers the error")
    try:
        url = f"sqlite:///{disk}/.trellis/state.db"
        completed = subprocess.run([sys.executable, "-c", WRITE, url], check=True, capture_output=True, text=True)
        assert completed.stdout == (
            f"{disk}/.trellis/state.db: the state cannot be used: database or disk is full | "
            "free some disk space, then run the command again; it goes on from what it finds\n"
        )
        store = open_store(url)
        kept = store.history(limit=1000)
        store.close()
        assert len(kept) > 10
    finally:
        subprocess.run(["umount", str(disk)], check=True)
