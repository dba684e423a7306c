"""Which update method is for a pair of versions."""

import pytest

from trellis.blueprint import UpdateSpec
from trellis.desiring.updating import method_for
from trellis.plans import Instruction
from trellis_dsl.secret import Secret

METHODS = UpdateSpec(methods=(("any_ten", "10.*"), ("exact", "10.5"), ("old", "9.*")))


@pytest.mark.parametrize(
    ("before", "method"), [("10.5", "exact"), ("10.11", "any_ten"), ("9.8", "old"), ("11.0", ""), ("latest", "")]
)
def test_the_pattern_that_says_most_wins(before: str, method: str) -> None:
    assert method_for(METHODS, before) == method


def test_an_instruction_shows_no_secret() -> None:
    assert str(Instruction("run", ("mysql", "-p", Secret("planted")))) == "run mysql -p •••"
