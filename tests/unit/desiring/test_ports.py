"""Published ports: kept, free, and the same without any memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.desiring.ports import FIRST, LAST, allocate
from trellis.errors import DoesNotFitError

KEYS = st.sets(st.tuples(st.sampled_from([f"web-{n}" for n in range(40)]), st.sampled_from(["http", "sql"])))


@given(wanted=KEYS, taken=st.frozensets(st.integers(FIRST, FIRST + 200), max_size=100))
def test_every_endpoint_has_a_port_of_its_own_that_nobody_has(
    wanted: set[tuple[str, str]], taken: frozenset[int]
) -> None:
    ports = allocate(wanted, {}, taken, "a")
    assert ports.keys() == wanted
    assert len(set(ports.values())) == len(wanted)
    assert not taken & set(ports.values())
    assert ports == allocate(wanted, {}, taken, "a")


def test_a_running_instance_keeps_its_port() -> None:
    kept = {("web-1", "http"): 20005}
    assert allocate([("web-1", "http"), ("web-2", "http")], kept, frozenset(), "a")["web-1", "http"] == 20005


def test_a_full_host_says_so() -> None:
    with pytest.raises(DoesNotFitError, match="a has no free port from 20000 to 29999"):
        allocate([("web-1", "http")], {}, frozenset(range(FIRST, LAST + 1)), "a")
