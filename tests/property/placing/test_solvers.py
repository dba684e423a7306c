"""Every bundled solver keeps every promise."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from trellis.placing import Problem
from trellis.placing.conformance import PROMISES, problems
from trellis.placing.solvers import BUNDLED, Solver, bundled_solver


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("name", BUNDLED)
@given(problem=problems())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_solver_keeps_its_promises(name: str, promise: Callable[[Problem, Solver], None], problem: Problem) -> None:
    if name == "cpsat":
        pytest.importorskip("ortools", reason="OR-Tools, the extra `scale`, is not installed")
    promise(problem, bundled_solver(name))
