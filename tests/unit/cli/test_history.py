import json

import pytest

from trellis.environments.project import find_project
from trellis.state.records import RunRecord
from trellis.state.store import open_store


@pytest.fixture
def run(project):
    """A finished run with one step."""
    store = open_store(find_project(project).state_url)
    number = store.begin(RunRecord("dev", "shop", "trellis up", "ann@desk"))
    store.step_started(number, "container:website-1@here", "create", "here", "not there yet")
    store.step_finished(number, "container:website-1@here", "done")
    store.finish(number, "done", "1 created")
    store.close()
    return number


def test_runs_are_listed_and_one_shows_its_steps(trellis, run):
    (listed,) = json.loads(trellis("history", "--json")[1])["runs"]
    assert (listed["run"], listed["outcome"], listed["summary"]) == (run, "done", "1 created")
    (step,) = json.loads(trellis("history", str(run), "--json")[1])["steps"]
    assert (step["id"], step["verb"], step["state"]) == ("container:website-1@here", "create", "done")
    assert "container:website-1@here" in trellis("history", str(run))[1]


def test_a_run_or_environment_that_is_not_there_is_an_error(trellis):
    assert trellis("history", "7")[0] == 2
    assert trellis("history", "-e", "nowhere")[0] == 6
    assert trellis("history") == (0, "", "nothing was run yet\n")
