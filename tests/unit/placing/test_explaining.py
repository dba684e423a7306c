"""Why here, and why not there."""

from dataclasses import replace

import pytest

from trellis.errors import ConfigError
from trellis.placing import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Running, Workload, place
from trellis.placing.explaining import explain
from trellis.placing.report import bar, change_lines, explanation_lines, load_lines, load_report, shortfall_lines

GIB = 1 << 30
ONE = InstancePolicy(1, 1, Counting.PER_ROLE)


def host(name: str, memory: int, roles: str = "web") -> HostOffer:
    return HostOffer(name, frozenset(roles.split()), capacity=Capacity(memory=memory * GIB))


HOSTS = (host("db1", 8, "db"), host("ny1", 8), host("ny2", 1), replace(host("ny3", 8), draining=True), host("ny4", 4))
WEB = Workload("web", "web", ONE, Needs(memory=2 * GIB), relocatable="yes")


def test_every_other_host_has_its_reason() -> None:
    problem = Problem(HOSTS, (WEB,))
    assert explanation_lines(explain(problem, place(problem), "web")) == [
        "web-1 is on ny1: least loaded of 3 hosts that carry web",
        "  not on db1: does not carry web",
        "  not on ny2: 1 GiB memory short",
        "  not on ny3: is draining",
        "  not on ny4: it would be 50% full with it; ny1 is 25%",
    ]


def test_what_stops_and_what_found_no_host_is_there_too() -> None:
    problem = Problem(
        HOSTS[:2],
        (WEB, replace(WEB, service="huge", needs=Needs(memory=9 * GIB))),
        (Running("web", "web", 1, "ny1"), Running("web", "web", 2, "ny1")),
    )
    placement = place(problem)
    assert explanation_lines(explain(problem, placement, "web"))[-1] == (
        "web-2 on ny1 stops: 1 web are wanted; it has the highest index"
    )
    assert explanation_lines(explain(problem, placement, "huge"))[0] == (
        "1 huge found no host: huge needs 9 GiB memory an instance; the best host, ny1, is 3 GiB memory short"
    )


def test_a_service_that_nobody_runs() -> None:
    with pytest.raises(ConfigError, match="no role runs a service wbe"):
        explain(Problem(HOSTS, (WEB,)), place(Problem(HOSTS, (WEB,))), "wbe")


def test_load_before_and_after_with_the_gain() -> None:
    running = tuple(Running("web", "web", index, "ny1") for index in (1, 2))
    load = replace(WEB, policy=InstancePolicy(2, 2, Counting.PER_ROLE))
    problem = Problem((host("ny1", 8), host("ny2", 8)), (load,), running, rebalance=True)
    report = load_report(problem, place(problem))
    assert load_lines(report, columns=2 * 8 + 26 + len(report.loads[0].host)) == [
        "ny1  memory   ████····  50%  →  ██······  25%",
        "ny2  memory   ········   0%  →  ██······  25%",
        "1 move: the fullest is 50% now, 25% then",
    ]
    assert change_lines(report.changes) == [
        "move web-1 from ny1 to ny2: leaves ny1 for a better balance; found by search among 2 hosts"
    ]


def test_a_bar_never_leaves_its_frame() -> None:
    assert [bar(share, 4) for share in (-0.5, 0, 0.5, 1, 3)] == ["····", "····", "██··", "████", "████"]


def test_the_load_of_hosts_with_long_names_fits_a_terminal() -> None:
    long = "web-frankfurt-rack-12-b.example.internal"
    problem = Problem((host(long, 8), host("ny2", 8)), (WEB,), (Running("web", "web", 1, long),))
    lines = load_lines(load_report(problem, place(problem)))
    assert lines[0] == f"{long}  memory   ██·····  25%  →  ██·····  25%"
    assert max(len(line) for line in lines) <= 80


def test_of_many_hosts_only_those_are_shown_whose_load_changes() -> None:
    hosts = tuple(host(f"h{number:02}", 8) for number in range(30))
    load = replace(WEB, policy=InstancePolicy(30, 30, Counting.PER_ROLE))
    running = tuple(Running("web", "web", number, f"h{max(number, 2):02}") for number in range(1, 30))
    problem = Problem(hosts, (load,), running, rebalance=True)
    lines = load_lines(load_report(problem, place(problem)))
    assert [line.split()[0] for line in lines] == ["h00", "h01", "h02", "27", "1"]
    assert lines[-2] == "27 more hosts stay as they are"


def test_of_many_services_that_find_no_host_ten_are_explained() -> None:
    loads = tuple(replace(WEB, service=f"s{number:02}", needs=Needs(memory=9 * GIB)) for number in range(13))
    lines = shortfall_lines(place(Problem((host("ny1", 8),), loads)))
    assert sum("found no host" in line for line in lines) == 10
    assert lines[-1] == "and 3 of 3 more services"
