from datetime import UTC, datetime, timedelta

import pytest

from trellis.state.database import open_database
from trellis.state.processes import Holder
from trellis.state.records import Applied, Made, RunRecord, StepEvent, StepRecord
from trellis.state.schema import MADE
from trellis.state.store import Store, open_store
from trellis_dsl.secret import Secret

RUN = RunRecord(
    environment="prod",
    stack="shop",
    command="trellis up -e prod",
    operator="ann@desk",
    plan_digest="a" * 64,
    blueprint_digest="b" * 64,
    counts={"create": 3, "keep": 1},
    summary="Plan: 3 to create, 0 to change, 0 to remove on 1 host",
    reason="the on-call fix",
)
KEY = "container:website-1@ny1"
START = datetime(2026, 11, 23, 3, 43, 38, 123456, tzinfo=UTC)


def test_a_run_that_began_ended_or_never_ended_since_a_moment_was_at_work(store: Store, clock) -> None:
    before = clock.now
    assert not store.was_at_work("prod", before)
    number = store.begin(RUN)
    assert store.was_at_work("prod", clock.now + timedelta(hours=1))
    clock.forward(2)
    store.finish(number, "done")
    assert store.was_at_work("prod", clock.now)
    assert not store.was_at_work("test", before)
    clock.forward(1)
    assert not store.was_at_work("prod", clock.now)


def test_a_run_and_its_steps_come_back_as_they_went_in(store: Store, clock) -> None:
    number = store.begin(RUN)
    store.step_started(number, KEY, "create", "ny1", "not there")
    clock.forward(2)
    store.step_finished(number, KEY, "done")
    store.step_started(number, "file:/etc/motd@ny1", "update", "ny1", "content differs")
    store.step_finished(number, "file:/etc/motd@ny1", "failed", "read-only file system")
    store.record_steps(
        number, [StepEvent("container:website-2@ny1", "skipped", "create", "ny1", "container:website-1@ny1 failed")]
    )
    store.finish(number, "failed", "1 step failed")
    run = store.run(number)
    assert run is not None
    assert run.outcome == "failed"
    assert (run.started, run.finished) == (START, START + timedelta(seconds=2))
    assert run.record.summary == "1 step failed"
    assert (run.record.counts, run.record.reason) == ({"create": 3, "keep": 1}, "the on-call fix")
    later = START + timedelta(seconds=2)
    assert run.steps == (
        StepRecord(KEY, "create", "ny1", "done", "not there", START, later),
        StepRecord("file:/etc/motd@ny1", "update", "ny1", "failed", "read-only file system", later, later),
        StepRecord(
            "container:website-2@ny1", "create", "ny1", "skipped", "container:website-1@ny1 failed", later, later
        ),
    )


def test_a_started_step_is_in_the_journal_before_it_is_done(store: Store, url: str) -> None:
    number = store.begin(RUN)
    store.step_started(number, KEY, "create", "ny1", "not there")
    other = open_store(url)  # another process would see the same
    seen = other.run(number)
    other.close()
    assert seen is not None
    assert [(step.state, step.finished) for step in seen.steps] == [("started", None)]


def test_a_finished_run_says_done(store: Store) -> None:
    number = store.begin(RUN)
    store.finish(number, "done")
    assert [(run.outcome, run.record) for run in store.history("prod")] == [("done", RUN)]


def test_a_run_is_running_while_its_lock_is_held_and_interrupted_after(store: Store) -> None:
    with store.lease("prod", Holder("ann@desk", 1, "trellis up")):
        store.begin(RUN)
        assert [run.outcome for run in store.history("prod")] == ["running"]
    assert [run.outcome for run in store.history("prod")] == ["interrupted"]


def test_the_next_run_marks_the_last_one_as_interrupted(store: Store) -> None:
    other = RunRecord(environment="test", stack="shop", command="trellis up", operator="bob@desk")
    store.begin(RUN)
    store.begin(other)
    store.begin(RUN)
    with (
        store.lease("prod", Holder("ann@desk", 1, "trellis up")),
        store.lease("test", Holder("bob@desk", 1, "trellis up")),
    ):
        assert [run.outcome for run in store.history()] == ["running", "running", "interrupted"]


def test_history_is_newest_first_limited_and_by_environment(store: Store) -> None:
    numbers = [store.begin(RUN) for _ in range(3)]
    store.begin(RunRecord(environment="test", stack="shop", command="trellis up", operator="bob@desk"))
    assert [run.number for run in store.history("prod")] == numbers[::-1]
    assert [run.number for run in store.history("prod", limit=2)] == numbers[:0:-1]
    assert len(store.history()) == 4
    assert store.history("dev") == ()
    assert store.run(99) is None


def test_the_end_of_a_step_that_never_started_is_a_bug(store: Store) -> None:
    number = store.begin(RUN)
    with pytest.raises(KeyError):
        store.step_finished(number, KEY, "done")


def test_what_was_applied_last_is_what_comes_back(store: Store) -> None:
    first, second = Applied('{"stack":"shop"}', "c" * 64, {KEY: "d"}), Applied("{}", "e" * 64, {})
    assert store.last_applied("prod") is None
    store.record_applied(store.begin(RUN), first)
    assert store.last_applied("prod") == first
    store.begin(RUN)
    store.record_applied(store.begin(RUN), second)
    assert store.last_applied("prod") == second
    assert store.last_applied("test") is None


def test_texts_of_every_script_and_length_survive(store: Store) -> None:
    number = store.begin(RUN)
    detail = "naïve ☃ 'quoted'; DROP TABLE trellis_runs -- \n" + "x" * 100_000
    store.step_started(number, "container:käse 1.2@ny 1", "create", "ny 1", detail)
    run = store.run(number)
    assert run is not None
    assert (run.steps[0].key, run.steps[0].detail) == ("container:käse 1.2@ny 1", detail)


def test_a_secret_never_reaches_the_file(store: Store, tmp_path) -> None:
    secret: str = Secret("hunter2-planted")  # type: ignore[assignment]
    number = store.begin(RUN)
    store.step_started(number, KEY, "create", "ny1")
    attempts = [
        lambda: store.begin(RunRecord(secret, "shop", "up", "ann")),
        lambda: store.begin(RunRecord("prod", "shop", "up", "ann", summary=secret)),
        lambda: store.begin(RunRecord("prod", "shop", "up", "ann", counts={secret: 1})),
        lambda: store.step_started(number, KEY, "create", "ny1", secret),
        lambda: store.record_steps(number, [StepEvent(KEY, "skipped", "create", "ny1", secret)]),
        lambda: store.step_finished(number, KEY, "failed", secret),
        lambda: store.finish(number, "failed", secret),
        lambda: store.record_applied(number, Applied("{}", "", {KEY: secret})),
    ]
    for attempt in attempts:
        with pytest.raises(TypeError, match="is a Secret"):
            attempt()
    store.close()
    files = list((tmp_path / ".trellis").iterdir())
    assert files
    assert not [file for file in files if b"hunter2" in file.read_bytes()]


def test_what_was_made_is_known_until_it_is_removed_and_in_doubt_while_a_step_is_at_work(store: Store) -> None:
    web = Made("container:web-1@ny1", "Web", "Website", 1, {"image": "web:1"})
    run = store.begin(RUN)
    store.step_started(run, web.key, "create", "ny1")
    assert store.made("prod") == ()
    store.step_finished(run, web.key, "done", made=web)
    assert store.made("prod") == (web,)
    assert store.made("test") == ()
    store.step_started(run, web.key, "replace", "ny1")
    assert [one.certain for one in store.made("prod")] == [False]
    store.step_finished(run, web.key, "failed", "no such image")
    assert [one.certain for one in store.made("prod")] == [False]
    store.step_started(run, web.key, "remove", "ny1")
    store.step_finished(run, web.key, "done")
    assert store.made("prod") == ()


def test_a_whole_run_settles_what_is_there_and_leaves_what_is_known_of_silent_hosts(store: Store) -> None:
    old, silent, new = (Made(f"container:web-{index}@{host}") for index, host in ((1, "ny1"), (2, "ny2"), (3, "ny1")))
    store.settle_made("prod", [old, silent], [])
    store.settle_made("prod", [new], ["ny2"])
    assert store.made("prod") == (silent, new)
    with pytest.raises(TypeError):
        store.settle_made("prod", [Made("file:/x@ny1", spec={"content": Secret("x")})], [])


def test_a_database_of_an_earlier_trellis_gets_the_tables_that_it_lacks(url: str) -> None:
    open_store(url).close()
    with open_database(url).begin() as connection:
        MADE.drop(connection)
    store = open_store(url)
    assert store.made("prod") == ()
    store.close()
