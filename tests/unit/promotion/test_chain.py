"""Who may run what is decided in one place."""

import pytest

from trellis.errors import PolicyError, UsageError
from trellis.promotion.chain import Asked, Overruling, decide

WANTS = Asked("prod", "test", ("bump", "banner"))


def test_what_was_published_is_allowed_without_a_reason() -> None:
    assert decide(Asked("prod", "test", ())) == ""
    assert decide(Asked("dev", "", ("the working tree",))) == ""


def test_what_was_not_published_is_refused_with_exit_code_5() -> None:
    with pytest.raises(PolicyError, match="prod pulls from test, which has not published bump, banner") as refused:
        decide(WANTS)
    assert refused.value.exit_code == 5
    assert refused.value.hint == "trellis publish VERSION -e test, or overrule it: --override-chain"


@pytest.mark.parametrize("typed", ["", "test", "Prod", "prod "])
def test_overruling_takes_the_environments_name_as_it_is(typed: str) -> None:
    with pytest.raises(UsageError, match="the environment's name is typed: prod"):
        decide(WANTS, Overruling(typed, "fire"))


@pytest.mark.parametrize("reason", ["", "  "])
def test_overruling_takes_a_reason(reason: str) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        decide(WANTS, Overruling("prod", reason))


def test_an_overruling_gives_the_reason_that_is_recorded() -> None:
    assert decide(WANTS, Overruling("prod", " fire ")) == "fire"
