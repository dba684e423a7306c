"""What is told at the end of a run, and with which exit code."""

import pytest

from trellis.applying import Outcome
from trellis.cli.ending import error_of, outcome_of
from trellis.errors import ApplyError, PolicyError, TrellisError, UnreachableError
from trellis.plans import Plan, Step, Verb
from trellis.resources import ResourceKey

PLAN = Plan("shop", "prod", ())
SILENT = Plan("shop", "prod", (), unreachable={"ny3": "it hangs", "ny2": "it is off"})


def step(name: str, host: str = "ny1") -> Step:
    return Step(ResourceKey("container", name, host), Verb.CREATE, "not there yet")


DONE = Outcome(step("web-1"), "done")
SKIPPED = Outcome(step("web-2"), "skipped")
FAILED = Outcome(step("web-3"), "failed", ApplyError("it ended with status 1"))
LOST = Outcome(step("web-4", "ny4"), "failed", UnreachableError("ny4 stopped answering"))


def told(*outcomes: Outcome, plan: Plan = PLAN, cancelled: bool = False) -> TrellisError | None:
    return error_of(outcomes, plan, cancelled=cancelled)


def test_all_done_is_told_nothing() -> None:
    assert told(DONE) is None
    assert outcome_of([DONE], cancelled=True) == "done"  # the wish came too late


@pytest.mark.parametrize(
    ("outcomes", "cancelled", "word", "code"),
    [
        ((DONE, FAILED, SKIPPED), False, "failed", 4),
        ((LOST, FAILED), False, "failed", 4),
        ((DONE, LOST, SKIPPED), True, "failed", 11),
        ((DONE, SKIPPED), True, "cancelled", 8),
    ],
)
def test_the_worst_end_is_told(outcomes: tuple[Outcome, ...], cancelled: bool, word: str, code: int) -> None:  # noqa: FBT001 - a table's column
    error = told(*outcomes, cancelled=cancelled)
    assert error is not None
    assert (outcome_of(outcomes, cancelled=cancelled), error.exit_code) == (word, code)


def test_a_failure_names_its_step_and_keeps_its_hint() -> None:
    error = told(FAILED)
    assert error is not None
    assert str(error) == "container:web-3@ny1: it ended with status 1"
    assert error.hint == "mend it and run: trellis up -e prod"
    refused = told(Outcome(step("web-1"), "failed", PolicyError("the name is taken", hint="docker rename")))
    assert refused is not None
    assert (refused.exit_code, refused.hint) == (4, "docker rename")


def test_a_lost_host_is_named_with_what_was_not_done_for_sure() -> None:
    error = told(DONE, LOST, SKIPPED)
    assert error is not None
    assert error.what == (
        "ny4 stopped answering; not done, or not known to be done: web-4 on ny4, web-2 on ny1\n  ny4 stopped answering"
    )
    assert error.hint == "when it answers again: trellis up -e prod"


def test_hosts_that_never_answered_are_named() -> None:
    error = told(DONE, plan=SILENT)
    assert error is not None
    assert error.exit_code == 11
    assert error.what == "done on the other hosts, but these hosts did not answer: ny2, ny3"
