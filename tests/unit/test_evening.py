"""A rebalancing is done where it gains what is asked for."""

import pytest

from trellis.evening import gains_enough
from trellis.placing.report import LoadReport


def test_the_fullest_host_has_to_become_that_much_lower() -> None:
    report = LoadReport((), (), peak_before=0.6, peak_after=0.4)
    assert report.gain == pytest.approx(20)
    asked = (None, 0, 19.9, 20, 20.1, 100)
    assert [gains_enough(report, minimum) for minimum in asked] == [True, True, True, True, False, False]


def test_nothing_asked_for_is_enough_even_where_the_fullest_stays() -> None:
    assert gains_enough(LoadReport((), (), 0.4, 0.4), None)
    assert gains_enough(LoadReport((), (), 0.4, 0.4), 0)
    assert not gains_enough(LoadReport((), (), 0.4, 0.4), 1)
