"""Moves in an order that never overfills a host."""

from dataclasses import replace

import pytest

from trellis.errors import DoesNotFitError
from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Placement,
    Problem,
    Running,
    Workload,
)
from trellis.placing.sequencing import Change, over_capacity, sequence


def host(name: str, memory: int) -> HostOffer:
    return HostOffer(name, frozenset({"any"}), capacity=Capacity(memory=memory))


def load(service: str, memory: int) -> Workload:
    return Workload(service, "any", InstancePolicy(1, 1, Counting.PER_ROLE), Needs(memory=memory), relocatable="yes")


def problem(hosts: dict[str, int], loads: dict[str, int], running: dict[str, str]) -> Problem:
    return Problem(
        tuple(host(*each) for each in hosts.items()),
        tuple(load(*each) for each in loads.items()),
        tuple(Running(service, "any", 1, name) for service, name in running.items()),
    )


def placement(where: dict[str, str], stopped: dict[str, str] | None = None) -> Placement:
    return Placement(
        tuple(PlacedInstance(service, "any", 1, name, "test") for service, name in where.items()),
        stopped=tuple(PlacedInstance(service, "any", 1, name, "test") for service, name in (stopped or {}).items()),
    )


def lines(changes: tuple[Change, ...]) -> list[tuple[str, str, str | None, str | None]]:
    return [(change.verb, change.service, change.source, change.target) for change in changes]


def test_room_is_made_before_it_is_taken() -> None:
    given = problem({"a": 8, "b": 8}, {"big": 7, "small": 2}, {"small": "a"})
    changes = sequence(given, placement({"big": "a", "small": "b"}))
    assert lines(changes) == [("move", "small", "a", "b"), ("start", "big", None, "a")]
    assert over_capacity(given, changes) == []


def test_two_that_change_places_go_through_a_third_host() -> None:
    given = problem({"a": 8, "b": 8, "c": 8}, {"x": 5, "y": 6}, {"x": "a", "y": "b"})
    changes = sequence(given, placement({"x": "b", "y": "a"}))
    assert lines(changes) == [("park", "x", "a", "c"), ("move", "y", "b", "a"), ("move", "x", "c", "b")]
    assert over_capacity(given, changes) == []


def test_without_a_third_host_the_smaller_is_stopped_for_a_while_and_that_is_said() -> None:
    given = problem({"a": 8, "b": 8}, {"x": 5, "y": 6}, {"x": "a", "y": "b"})
    changes = sequence(given, placement({"x": "b", "y": "a"}))
    assert lines(changes) == [("interrupt", "x", "a", None), ("move", "y", "b", "a"), ("start", "x", None, "b")]
    assert changes[0].reason == "no host has room to hold it while a and b wait for each other"
    assert over_capacity(given, changes) == []


def test_what_is_new_does_not_fill_the_host_through_which_others_have_to_go() -> None:
    given = problem({"a": 8, "b": 8, "c": 8}, {"x": 5, "y": 6, "new": 7}, {"x": "a", "y": "b"})
    changes = sequence(given, placement({"x": "b", "y": "a", "new": "c"}))
    assert lines(changes) == [
        ("park", "x", "a", "c"),
        ("move", "y", "b", "a"),
        ("move", "x", "c", "b"),
        ("start", "new", None, "c"),
    ]
    assert over_capacity(given, changes) == []


def test_what_grows_does_not_fill_it_either() -> None:
    given = problem({"a": 8, "b": 8, "c": 8}, {"x": 5, "y": 6, "old": 7}, {"x": "a", "y": "b"})
    given = replace(given, running=(*given.running, Running("old", "any", 1, "c", Needs(memory=2))))
    changes = sequence(given, placement({"x": "b", "y": "a", "old": "c"}))
    assert [change.verb for change in changes] == ["park", "move", "move", "update"]
    assert over_capacity(given, changes) == []


def test_what_stops_goes_first_only_where_its_room_is_wanted() -> None:
    given = problem({"a": 8, "b": 8}, {"new": 6, "old": 6, "idle": 1}, {"old": "a", "idle": "b"})
    changes = sequence(given, placement({"new": "a"}, {"old": "a", "idle": "b"}))
    assert lines(changes) == [("stop", "old", "a", None), ("start", "new", None, "a"), ("stop", "idle", "b", None)]


def test_a_port_is_free_before_it_is_taken() -> None:
    given = problem({"a": 8, "b": 8}, {"x": 1, "y": 1}, {"x": "a"})
    ports = frozenset({("tcp", 80)})
    given = replace(given, workloads=tuple(replace(each, host_ports=ports) for each in given.workloads))
    assert lines(sequence(given, placement({"y": "a", "x": "b"}))) == [
        ("move", "x", "a", "b"),
        ("start", "y", None, "a"),
    ]


def test_an_instance_holds_what_it_was_started_with_until_it_has_left() -> None:
    given = problem({"a": 8, "b": 8}, {"x": 1, "y": 5}, {})
    given = replace(given, running=(Running("x", "any", 1, "a", Needs(memory=6)),))
    changes = sequence(given, placement({"x": "b", "y": "a"}))
    assert lines(changes) == [("move", "x", "a", "b"), ("start", "y", None, "a")]


def test_nothing_is_to_be_done() -> None:
    given = problem({"a": 8}, {"x": 1}, {"x": "a"})
    assert sequence(given, placement({"x": "a"})) == ()


def test_nothing_is_stopped_on_a_host_that_does_not_answer() -> None:
    given = problem({"a": 8, "b": 8}, {"x": 1}, {"x": "a"})
    given = replace(given, hosts=(replace(given.hosts[0], answers=False), given.hosts[1]))
    assert sequence(given, placement({}, {"x": "a"})) == ()


def test_a_placement_that_does_not_fit_has_no_order() -> None:
    given = problem({"a": 8}, {"x": 5, "y": 5}, {"x": "a"})
    with pytest.raises(DoesNotFitError, match="there is no room for y-1 on a"):
        sequence(given, placement({"x": "a", "y": "a"}))
