from dataclasses import replace
from datetime import UTC, datetime

import pytest

from trellis.state.records import Run, RunRecord, refuse_secrets, settled
from trellis_dsl.secret import Secret

RUNNING = Run(
    number=1,
    record=RunRecord(environment="dev", stack="shop", command="trellis up", operator="ann@desk"),
    outcome="running",
    started=datetime(2026, 11, 23, tzinfo=UTC),
    finished=None,
)


def test_a_run_that_nobody_runs_any_more_is_interrupted() -> None:
    assert settled(RUNNING, locked=False).outcome == "interrupted"
    assert settled(RUNNING, locked=True).outcome == "running"
    assert settled(replace(RUNNING, outcome="failed"), locked=False).outcome == "failed"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Secret("hunter2"), "the step"),
        ({"detail": Secret("hunter2")}, "the step[detail]"),
        ({"a": [{"b": (Secret("hunter2"),)}]}, "an item of an item of the step[a][b]"),
        ({Secret("hunter2"): 1}, "a key of the step"),
        ({Secret("hunter2")}, "an item of the step"),
    ],
)
def test_a_secret_is_refused_wherever_it_hides(value: object, place: str) -> None:
    with pytest.raises(TypeError) as caught:
        refuse_secrets(value, "the step")
    assert str(caught.value) == f"{place} is a Secret: the journal takes masked text only"
    assert "hunter2" not in str(caught.value)


def test_plain_values_pass() -> None:
    refuse_secrets({"a": [1, "•••", None, {"b": (True, 2.5)}]})
