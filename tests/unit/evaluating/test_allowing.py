"""Networks that operators let containers out to: what may be said, and what is refused."""

import pytest

from trellis import StackError, allow_from, allow_to


def test_networks_of_both_families_are_kept_in_canonical_form() -> None:
    found = allow_to("2001:DB8:0::/32", "198.51.100.7/32", port=443)
    assert (found.networks, found.port, found.protocol) == (("198.51.100.7", "2001:db8::/32"), 443, "tcp")


@pytest.mark.parametrize("allow", [allow_from, allow_to])
def test_a_name_is_refused_as_its_addresses_change(allow: object) -> None:
    assert callable(allow)
    with pytest.raises(StackError) as refused:
        allow("api.payments.example")
    assert refused.value.what == (
        "'api.payments.example' is a name, and a firewall knows addresses only: "
        "the name's may change, its rules would not"
    )
    assert refused.value.hint == "write the network that it is in, such as 203.0.113.0/24"


@pytest.mark.parametrize(
    ("networks", "port", "what"),
    [
        ((), 0, "allow_to needs a network"),
        (("10.0.0.1/8",), 0, "'10.0.0.1/8' is not a network: 10.0.0.1/8 has host bits set"),
        (("10.0.0.999",), 0, "'10.0.0.999' is not a network"),
        (("10.0.0.0/8",), 70000, "70000 is not a port"),
    ],
)
def test_what_is_none_is_refused(networks: tuple[str, ...], port: int, what: str) -> None:
    with pytest.raises(StackError) as refused:
        allow_to(*networks, port=port)
    assert refused.value.what.startswith(what)
