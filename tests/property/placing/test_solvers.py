"""Every bundled solver keeps every promise that a solver is held to."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from mended import MENDED

from trellis.placing import Problem
from trellis.placing.conformance import PROMISES, problems
from trellis.placing.solvers import BUNDLED, Solver, bundled_solver

Promise = Callable[[Problem, Solver], None]


@pytest.mark.parametrize("promise", PROMISES)
@given(problem=problems())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_embedded_solver_keeps_its_promises(promise: Promise, problem: Problem) -> None:
    promise(problem, bundled_solver("constraint"))


@pytest.mark.parametrize("promise", PROMISES)
@given(problem=problems())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cpsat_keeps_its_promises(promise: Promise, problem: Problem) -> None:
    pytest.importorskip("ortools", reason="OR-Tools, the extra `scale`, is not installed")
    promise(problem, bundled_solver("cpsat"))


@pytest.mark.parametrize("solver", BUNDLED)
@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("problem", MENDED.values(), ids=MENDED.keys())
def test_what_was_mended_stays_so(problem: Problem, promise: Promise, solver: str) -> None:
    promise(problem, bundled_solver(solver))
