"""Server lines: read from a configuration, added, taken out, and kept apart from its structure."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.deployment import HostAddress
from trellis_haproxy.servers import (
    Line,
    Place,
    disabled,
    lines_of,
    server_name,
    structure_of,
    with_servers,
    without_servers,
)

TEXT = """\
frontend _sites
    bind :80

backend shop.example
    option httpchk
    server website-1:10.0.0.1:20001 10.0.0.1:20001 check
    server website-2:10.0.0.2:20001 10.0.0.2:20001 check backup

backend blog.example
    server website-1:10.0.0.1:20001 10.0.0.1:20001 check
"""
SHOP_1, SHOP_2 = Place("shop.example", "website-1:10.0.0.1:20001"), Place("shop.example", "website-2:10.0.0.2:20001")
BLOG_1 = Place("blog.example", "website-1:10.0.0.1:20001")
NEW = Line(Place("shop.example", "website-3:[::1]:20003"), "[::1]:20003", "check")


def test_every_server_is_found_in_its_backend():
    assert lines_of(TEXT) == {
        SHOP_1: Line(SHOP_1, "10.0.0.1:20001", "check"),
        SHOP_2: Line(SHOP_2, "10.0.0.2:20001", "check backup"),
        BLOG_1: Line(BLOG_1, "10.0.0.1:20001", "check"),
    }
    assert SHOP_1.instance == "website-1"


def test_servers_of_a_site_that_visitors_stay_at_are_known():
    sticky = TEXT.replace("    option httpchk", "    cookie TRELLIS insert indirect attr SameSite=Lax dynamic")
    assert {place: line.sticky for place, line in lines_of(sticky).items()} == {
        SHOP_1: True,
        SHOP_2: True,
        BLOG_1: False,
    }
    assert lines_of(with_servers(sticky, [NEW]))[NEW.place].sticky


def test_a_new_server_stands_last_in_its_backend():
    rows = with_servers(TEXT, [NEW]).splitlines()
    assert rows[7] == "    server website-3:[::1]:20003 [::1]:20003 check"
    assert rows[8:10] == ["", "backend blog.example"]
    assert with_servers(TEXT, [Line(Place("other.example", "a-1:x:1"), "10.0.0.1:1")]) == TEXT


def test_a_server_that_is_taken_out_keeps_its_line_and_comes_back():
    out = disabled(TEXT, {SHOP_1})
    assert "    server website-1:10.0.0.1:20001 10.0.0.1:20001 check disabled\n    server website-2" in out
    assert (lines_of(out)[SHOP_1].is_off, lines_of(out)[BLOG_1].is_off) == (True, False)
    assert disabled(out, {SHOP_1}) == out
    assert with_servers(out, [lines_of(TEXT)[SHOP_1]]) == TEXT


def test_a_server_that_is_gone_leaves_no_line():
    assert lines_of(without_servers(TEXT, {SHOP_1})).keys() == {SHOP_2, BLOG_1}


def test_a_server_that_moves_is_another_server():
    assert server_name("website-1", HostAddress("fd00::1", 20001)) == "website-1:fd00::1:20001"
    assert server_name("website-1", HostAddress("10.0.0.1", 1)) != server_name("website-1", HostAddress("10.0.0.2", 1))


def test_what_a_running_haproxy_does_not_take_needs_a_reload():
    assert NEW.at_run_time
    assert Line(SHOP_1, "10.0.0.1:1", "check backup disabled").at_run_time
    assert not Line(SHOP_1, "10.0.0.1:1", "check cookie website-1").at_run_time
    assert not Line(SHOP_1, "db.internal:1", "check").at_run_time


PLACES = st.sampled_from([SHOP_1, SHOP_2, BLOG_1, NEW.place])


@settings(deadline=None)  # a machine that is busy with other tests is no fault
@given(st.lists(st.tuples(st.sampled_from(["in", "out", "gone"]), PLACES), max_size=8))
def test_no_change_of_servers_touches_the_structure(changes):
    known = {**lines_of(TEXT), NEW.place: NEW}
    text = TEXT
    for verb, place in changes:
        match verb:
            case "in":
                text = with_servers(text, [known[place]])
                assert lines_of(text)[place] == known[place]
            case "out":
                text = disabled(text, {place})
            case _:
                text = without_servers(text, {place})
                assert place not in lines_of(text)
    assert structure_of(text) == structure_of(TEXT)
