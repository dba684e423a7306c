"""The same promises on PostgreSQL, for controllers that share a state."""

import signal
import subprocess
import sys

import pytest

from trellis.errors import LockedError, StateError
from trellis.state.records import Applied, RunRecord
from trellis.state.store import open_store, this_process

ME = this_process("trellis destroy -e prod")
RUN = RunRecord("prod", "shop", "trellis up -e prod", "ann@desk", counts={"create": 1}, summary="naïve ☃")


def test_controllers_that_start_together_make_the_tables_once(postgresql: str, hold) -> None:
    contenders = [hold(postgresql) for _ in range(3)]
    answers = [contender.reads() for contender in contenders]
    assert answers.count("held") == 1
    assert sum(answer.startswith("locked: ") for answer in answers) == 2
    assert contenders[answers.index("held")].told("release") == "released"


def test_the_journal_comes_back_as_it_went_in(postgresql: str) -> None:
    store = open_store(postgresql)
    number = store.begin(RUN)
    store.step_started(number, "container:website-1@ny1", "create", "ny1", "not there")
    store.step_finished(number, "container:website-1@ny1", "done")
    store.record_applied(number, Applied("{}", "c" * 64, {"container:website-1@ny1": "d"}))
    store.finish(number, "done")
    run = store.run(number)
    assert run is not None
    assert (run.record, run.outcome) == (RUN, "done")
    assert [(step.key, step.state, step.detail) for step in run.steps] == [
        ("container:website-1@ny1", "done", "not there")
    ]
    assert run.started.utcoffset() is not None
    assert store.last_applied("prod") == Applied("{}", "c" * 64, {"container:website-1@ny1": "d"})
    store.close()


def test_a_killed_and_a_stopped_holder_lose_the_lock(postgresql: str, hold) -> None:
    store = open_store(postgresql)
    killed = hold(postgresql, ttl=3600)
    assert killed.reads() == "held"
    killed.signal(signal.SIGKILL)
    killed.process.wait()
    stopped = hold(postgresql, ttl=1)
    assert stopped.reads() == "held"
    with pytest.raises(LockedError):
        store.lease("prod", ME)
    stopped.signal(signal.SIGSTOP)
    with store.lease("prod", ME, wait=20):
        stopped.signal(signal.SIGCONT)
        assert stopped.told("check").startswith("lost: ")
    store.close()


def test_a_server_that_does_not_answer_is_an_error_without_the_password() -> None:
    with pytest.raises(StateError) as caught:
        open_store("postgresql://ann:hunter2@127.0.0.1:1/trellis")
    assert caught.value.where == "postgresql://ann:***@127.0.0.1:1/trellis"
    assert "the state cannot be used" in caught.value.what
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_missing_driver_is_named_with_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from trellis.state.store import open_store\n"
        "try:\n open_store('postgresql://db/trellis')\n"
        "except Exception as error:\n print(type(error).__name__, error.hint)"
    )
    completed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert completed.stdout == "StateError pip install 'opencluster-trellis[postgresql]'\n"
