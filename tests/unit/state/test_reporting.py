from datetime import UTC, datetime, timedelta

import pytest

from trellis.state.lease import LockStatus
from trellis.state.processes import Holder
from trellis.state.records import Run, RunRecord, StepRecord
from trellis.state.reporting import (
    history_document,
    lock_document,
    lock_row,
    run_document,
    run_row,
    step_row,
    took,
)

START = datetime(2026, 11, 23, 3, 43, 38, 123456, tzinfo=UTC)
END = START + timedelta(seconds=4.2)
STEP = StepRecord("container:website-1@ny1", "create", "ny1", "done", "not there", START, END)
RUN = Run(
    7,
    RunRecord("prod", "shop", "trellis up", "ann@desk", "a", "b", {"create": 1}, "1 created"),
    "done",
    START,
    END,
    (STEP,),
)
LOCK = LockStatus("prod", Holder("ann@desk", 12, "trellis up"), START, START, END, expired=False, gone=False)


def test_a_run_as_json() -> None:
    run = {
        "run": 7,
        "environment": "prod",
        "stack": "shop",
        "command": "trellis up",
        "operator": "ann@desk",
        "started": "2026-11-23T03:43:38.123Z",
        "finished": "2026-11-23T03:43:42.323Z",
        "outcome": "done",
        "plan_digest": "a",
        "blueprint_digest": "b",
        "counts": {"create": 1},
        "summary": "1 created",
        "reason": "",
    }
    step = {
        "id": "container:website-1@ny1",
        "verb": "create",
        "host": "ny1",
        "state": "done",
        "detail": "not there",
        "started": "2026-11-23T03:43:38.123Z",
        "finished": "2026-11-23T03:43:42.323Z",
    }
    assert history_document([RUN]) == {"schema_version": 1, "runs": [run]}
    assert run_document(RUN) == {"schema_version": 1, **run, "steps": [step]}


def test_a_run_and_its_steps_as_rows() -> None:
    assert run_row(RUN) == (
        "7", "prod", "2026-11-23 03:43:38 UTC", "4.2 s", "done", "ann@desk", "trellis up", "1 created",
    )  # fmt: skip
    assert step_row(STEP) == ("done", "create", "container:website-1@ny1", "4.2 s", "not there")


def test_a_step_whose_end_nobody_recorded_says_so() -> None:
    assert step_row(StepRecord("k", "create", "ny1", "started", "", START, None))[::3] == ("started, end unknown", "")


@pytest.mark.parametrize(
    ("expired", "gone", "state"),
    [
        (False, False, "held"),
        (True, False, "expired; the next command takes it over"),
        (False, True, "its process has ended; the next command takes it over"),
    ],
)
def test_a_lock_tells_whether_it_still_counts(expired: bool, gone: bool, state: str) -> None:  # noqa: FBT001 - cases
    lock = LockStatus("prod", LOCK.holder, START, START, END, expired=expired, gone=gone)
    assert lock_row(lock) == (
        "prod", "ann@desk (pid 12, trellis up)", "2026-11-23 03:43:38 UTC", "2026-11-23 03:43:38 UTC", state,
    )  # fmt: skip


def test_a_lock_as_json() -> None:
    assert lock_document([LOCK]) == {
        "schema_version": 1,
        "locks": [
            {
                "environment": "prod",
                "holder": {"who": "ann@desk", "pid": 12, "command": "trellis up"},
                "acquired": "2026-11-23T03:43:38.123Z",
                "heartbeat": "2026-11-23T03:43:38.123Z",
                "expires": "2026-11-23T03:43:42.323Z",
                "expired": False,
                "process_ended": False,
            }
        ],
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 ms"), (0.35, "350 ms"), (4.24, "4.2 s"), (185, "3 min 5 s"), (-1, "0 ms")]
)
def test_lengths_as_people_read_them(seconds: float, text: str) -> None:
    assert took(START, START + timedelta(seconds=seconds)) == text


def test_an_open_end_has_no_length() -> None:
    assert took(START, None) == ""
