"""The text for iptables-restore: exact for known rulesets."""

from pathlib import Path

import pytest
from rulesets import RULESETS

from trellis.testing.golden import assert_golden
from trellis_iptables.rules import render

GOLDEN = Path(__file__).parents[2] / "golden" / "iptables"


@pytest.mark.parametrize("name", RULESETS)
def test_the_text_is(name: str) -> None:
    assert_golden(render(RULESETS[name], "shop-prod"), GOLDEN / f"{name}.rules")
