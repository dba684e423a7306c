from hypothesis import given
from hypothesis import strategies as st

from trellis_certificates.wanted import Wanted, wanted_certificates


def test_each_site_has_its_own_certificate_with_its_aliases() -> None:
    found = wanted_certificates([("shop.example", "www.shop.example"), ("blog.example",), ("blog.example",)])
    assert found == (
        Wanted("blog.example", ("blog.example",)),
        Wanted("shop.example", ("shop.example", "www.shop.example")),
    )


def test_sites_that_share_a_name_share_a_certificate() -> None:
    found = wanted_certificates([("a.example", "x.example"), ("b.example", "x.example"), ("b.example", "y.example")])
    assert found == (Wanted("a.example", ("a.example", "b.example", "x.example", "y.example")),)


NAMES = st.sampled_from([f"{letter}.example" for letter in "abcdef"])


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple), max_size=6))
def test_every_name_is_in_exactly_one_certificate_and_every_group_in_one(groups: list[tuple[str, ...]]) -> None:
    found = wanted_certificates(groups)
    every = [name for wanted in found for name in wanted.names]
    assert sorted(every) == sorted({name for group in groups for name in group})
    assert all(any(set(group) <= set(wanted.names) for wanted in found) for group in groups)
    assert found == wanted_certificates(reversed(groups))
    assert all(wanted.names[0] == wanted.name for wanted in found)
