"""Steps in the journal: on the disk before anything is done, together where they come together."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from trellis.applying import Ending
from trellis.cli.journalling import JournalledSteps
from trellis.errors import LeaseLostError
from trellis.plans import Step, Verb
from trellis.resources import ResourceKey
from trellis.state.processes import this_process
from trellis.state.records import RunRecord, StepEvent
from trellis.state.store import Store, open_store

STEPS = [Step(ResourceKey("file", f"/etc/{name}", "ny1"), Verb.CREATE, "new file") for name in "abc"]


class Silent:
    """Tells nobody."""

    def started(self, step: Step) -> None:
        pass

    def doing(self, step: Step, text: str) -> None:
        pass

    def ended(self, step: Step, how: Ending) -> None:
        pass

    def say(self, text: str) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def begin(store: Store) -> int:
    return store.begin(RunRecord("prod", "shop", "trellis up", "ann@desk"))


def states(store: Store, run: int) -> list[str]:
    found = store.run(run)
    return [step.state for step in found.steps] if found else []


async def test_what_starts_together_is_one_transaction_and_written_when_it_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[list[str]] = []
    record = Store.record_steps

    def recorded(self: Store, run: int, events: Sequence[StepEvent]) -> None:
        written.append([event.state for event in events])
        record(self, run, events)

    monkeypatch.setattr(Store, "record_steps", recorded)
    run = begin(store)
    with store.lease("prod", this_process("trellis up")) as lease:
        async with JournalledSteps(store, lease, run, b"salt", Silent()) as journal:
            await asyncio.gather(*(journal.started(step) for step in STEPS))
            assert states(store, run) == ["started", "started", "started"]
            journal.ended(STEPS[0], "done", "")
            journal.ended(STEPS[1], "failed", "the disk is full")
        assert states(store, run) == ["done", "failed", "started"]
    assert written == [["started"] * 3, ["done", "failed"]]


async def test_the_end_of_a_step_is_written_before_the_next_one_begins(store: Store) -> None:
    run = begin(store)
    with store.lease("prod", this_process("trellis up")) as lease:
        async with JournalledSteps(store, lease, run, b"salt", Silent()) as journal:
            await journal.started(STEPS[0])
            journal.ended(STEPS[0], "done", "")
            await journal.started(STEPS[1])
            assert states(store, run) == ["done", "started"]


async def test_nothing_starts_when_somebody_took_the_lock(store: Store) -> None:
    run = begin(store)
    with store.lease("prod", this_process("trellis up")) as lease:
        async with JournalledSteps(store, lease, run, b"salt", Silent()) as journal:
            await journal.started(STEPS[0])
            journal.ended(STEPS[0], "done", "")
            store.break_lock("prod")
            answers = await asyncio.gather(*(journal.started(step) for step in STEPS[1:]), return_exceptions=True)
            assert [type(answer) for answer in answers] == [LeaseLostError, LeaseLostError]
    assert states(store, run) == ["done"]
