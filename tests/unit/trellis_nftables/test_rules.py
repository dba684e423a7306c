"""The text for nft: exact for known rulesets."""

from pathlib import Path

import pytest
from rulesets import RULESETS

from trellis.testing.golden import assert_golden
from trellis_nftables.rules import render

GOLDEN = Path(__file__).parents[2] / "golden" / "nftables"


@pytest.mark.parametrize("name", RULESETS)
def test_the_text_is(name: str) -> None:
    assert_golden(render(RULESETS[name], "shop-prod"), GOLDEN / f"{name}.nft")
