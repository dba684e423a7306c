import json

import pytest

from trellis.environments.project import find_project
from trellis.state.store import open_store, this_process


@pytest.fixture
def store(project):
    opened = open_store(find_project(project).state_url)
    yield opened
    opened.close()


def test_a_held_lock_is_shown_and_broken_only_with_a_word(trellis, store):
    with store.lease("dev", this_process("trellis up")):
        locks = json.loads(trellis("lock", "status", "--json")[1])["locks"]
        assert [(lock["environment"], lock["holder"]["command"]) for lock in locks] == [("dev", "trellis up")]
        assert trellis("lock", "break", "-e", "dev")[0] == 2
        assert store.lock_status("dev") is not None
        assert trellis("lock", "break", "-e", "dev", "--yes")[0] == 0
        assert store.lock_status("dev") is None


def test_without_a_lock_there_is_nothing_to_break(trellis):
    assert trellis("lock", "break") == (0, "", "nobody holds the lock of dev\n")
    assert trellis("lock", "break", "-e", "nowhere")[0] == 6
