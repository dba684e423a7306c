"""The last lines of a run."""

from trellis.cli.rendering import done_lines
from trellis.deployment import HostAddress, SiteAddress
from trellis.plans import Plan


def site(number, host="ny1"):
    return SiteAddress(f"https://shop{number}.example/", "Shop", HostAddress(host, 443))


def test_sites_are_named_with_every_place_where_they_answer_and_the_summary_is_last():
    plan = Plan("shop", "prod", (), sites=(site(1, "2001:db8::1"), site(1, "ny2"), site(2)))
    assert list(done_lines(plan)) == [
        "https://shop1.example/ answers at [2001:db8::1]:443, ny2:443",
        "https://shop2.example/ answers at ny1:443",
        "Done: 0 created, 0 changed, 0 removed",
    ]


def test_of_many_sites_the_first_five_are_named():
    lines = list(done_lines(Plan("shop", "prod", (), sites=tuple(map(site, range(9))))))
    assert lines[4:] == [
        "https://shop4.example/ answers at ny1:443",
        "and 4 more sites: trellis status -e prod",
        "Done: 0 created, 0 changed, 0 removed",
    ]
