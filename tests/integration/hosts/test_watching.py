"""`trellis watch` on real hosts: it only tells, unless it was told to maintain; a lost host stops it from acting."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from workplace import Workplace, until

from trellis_lab import Lab

PROGRAM = """
from trellis import Role, Service, Stack, exactly, listens, runs

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1", relocatable=True, stop_grace=1)
class Echo(Service):
    http = listens(8080, health="/healthz")


@stack.role
class Web(Role):
    echo = runs(Echo, exactly(2))
"""


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo:1")
    lab.load("trellis-test/echo:1")
    made = workplace(lab, "watched", PROGRAM)
    maintained(made, "triggered")
    made.trellis("up", "--yes")
    yield made
    made.trellis("destroy", "--yes")


def maintained(place: Workplace, how: str, more: str = "", *, second: bool = True) -> None:
    hosts = {"h1": ["web"], "h2": ["web"] if second else []}
    place.environment(hosts, options=', timeout: "3"', config=f"maintain: {how}\n{more}")


def watched(place: Workplace, *words: str, looks: int) -> list[dict[str, Any]]:
    """One document a look."""
    said = place.trellis("watch", "--json", "--interval", "1", "--looks", str(looks), *words).out
    return [json.loads(line) for line in said.splitlines()]


def all_of(place: Workplace) -> object:
    """Everything that a write would change: containers and their ids, files of hosts and of the project, history."""
    files = {
        path.relative_to(place.folder).as_posix(): path.read_bytes()
        for path in sorted(place.folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    hosts = ("h1", "h2")
    kept = [place.on(host, "find", "/var/lib/trellis", "/etc", "-newermt", "2000-01-01", "-printf", "%p %T@ %s\n")
            for host in hosts]  # fmt: skip
    networks = [place.on(host, "docker", "network", "ls", "--quiet") for host in hosts]
    return place.containers("{{.ID}} {{.Names}} {{.State}}"), files, kept, networks


def stop_one(place: Workplace) -> str:
    """Removes a container by hand; its host."""
    host = next(host for host, names in place.containers().items() if names)
    place.on(host, "docker", "rm", "--force", place.containers()[host][0])
    return host


def test_triggered_tells_of_drift_and_writes_nothing(place: Workplace) -> None:
    place.trellis("up", "--yes")
    stop_one(place)
    before = all_of(place)
    looks = watched(place, "--grace", "0", looks=3)
    assert all_of(place) == before
    assert looks[0]["news"][0] == "1 change pending"
    assert [len(look["pending"]) for look in looks] == [1, 1, 1]
    assert looks[0]["pending"][0].startswith("create container echo-")
    assert [look["news"] for look in looks[1:]] == [[], []]


def test_always_brings_it_back_when_it_lasted_for_the_grace_period(place: Workplace) -> None:
    place.trellis("up", "--yes")
    before = place.containers()
    stop_one(place)
    maintained(place, "always")
    try:
        waited = watched(place, "--grace", "600", looks=2)
        assert [look["news"] for look in waited[1:]] == [[]]
        assert place.containers() != before
        restored = watched(place, "--grace", "0", looks=2)
        assert "applied" in [sentence for look in restored for sentence in look["news"]]
        assert place.containers() == before
        assert restored[-1]["news"] == ["everything is as the stack says"]
        assert restored[-1]["pending"] == []
    finally:
        maintained(place, "triggered")


def test_a_lost_host_is_told_and_nothing_is_done_until_it_is_back(place: Workplace) -> None:
    place.trellis("up", "--yes")
    before = place.containers()
    host = stop_one(place)
    other = "h2" if host == "h1" else "h1"
    maintained(place, "always")
    place.lab.partition(other)
    running = place.start("watch", "--json", "--interval", "1", "--grace", "0", "--looks", "60")
    try:
        assert running.stdout
        first = json.loads(running.stdout.readline())
        assert f"{other} does not answer; what it carries stays as it is" in first["news"]
        assert json.loads(running.stdout.readline())["lost"] == [other]
        place.lab.heal(other)
        said: list[str] = []
        while "applied" not in said:
            said += json.loads(running.stdout.readline())["news"]
        assert f"{other} answers again" in said[:1]
    finally:
        running.kill()
        running.communicate()
        place.lab.heal(other)
        maintained(place, "triggered")
    until(lambda: place.containers() == before, what="everything is back")


def test_it_rebalances_only_for_the_gain_that_the_environment_asks_for(place: Workplace) -> None:
    place.change('"trellis-test/echo:1", ', '"trellis-test/echo:1", cpu=0.5, ')
    maintained(place, "triggered", second=False)
    place.trellis("up", "--yes")
    both = place.containers()["h1"]
    assert len(both) == 2
    try:
        maintained(place, "always")
        assert watched(place, "--grace", "0", looks=2)[-1]["pending"] == [], "without the setting it never rebalances"
        maintained(place, "always", "placement: {minimum_gain: 90}\n")
        assert watched(place, "--grace", "0", looks=2)[-1]["pending"] == []
        told = place.trellis("rebalance", "--yes").out
        assert re.search(r"No changes: the fullest would be \d+ % lower, and 90 % are asked for", told)
        assert place.containers()["h1"] == both
        maintained(place, "always", "placement: {minimum_gain: 1}\n")
        looks = watched(place, "--grace", "0", looks=3)
        assert "applied" in [sentence for look in looks for sentence in look["news"]]
        assert [len(place.containers()[host]) for host in ("h1", "h2")] == [1, 1]
        assert looks[-1]["pending"] == [], "a second one changes nothing"
    finally:
        place.change(" cpu=0.5,", "")
        maintained(place, "triggered")
