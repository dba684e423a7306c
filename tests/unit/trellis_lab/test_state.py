"""Who may touch a lab."""

import os
import subprocess
from pathlib import Path

import pytest

from trellis.errors import LockedError
from trellis_lab import state


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_keys_live_below_the_state_folder(tmp_path):
    assert state.access("demo").folder == tmp_path / "trellis" / "labs" / "demo"


def test_without_xdg_it_is_in_the_home_folder(monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state.state_folder() == Path("~/.local/state/trellis/labs").expanduser()


def test_one_at_a_time():
    refused = pytest.raises(LockedError, match="works on the lab demo")
    with state.locked("demo"), state.locked("other"), refused, state.locked("demo"):
        pytest.fail("two at a time")


def test_a_lock_leaves_nothing_and_can_be_taken_again():
    for _ in range(2):
        with state.locked("demo"):
            pass
    assert list(state.state_folder().iterdir()) == []


def test_a_process_is_known_until_it_ends():
    child = subprocess.Popen(["sleep", "60"])
    mark = state.process_mark(child.pid)
    assert state.process_lives(mark)
    child.kill()
    child.wait()
    assert not state.process_lives(mark)


def test_a_later_process_with_the_same_id_is_another():
    assert state.process_lives(state.process_mark(os.getpid()))
    assert not state.process_lives(f"{os.getpid()}-1")
    assert not state.process_lives("")
