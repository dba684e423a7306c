"""Hosts that crash, are cut off, hang, are slow or fill up in the middle of an `up`, and hosts that never answered."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from echo_stack import IMAGES, PROGRAM, data_is_whole, whole, write_data, write_version
from workplace import Workplace, until

from trellis_lab import Lab

PLACED = {
    1: {"h1": ["keeper-1"], "h2": ["echo-1", "proxy-1"], "h3": ["echo-2", "proxy-2"]},
    2: {"h1": ["keeper-1"], "h2": ["echo-1", "echo-3", "proxy-1"], "h3": ["echo-2", "proxy-2"]},
}


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    lab.load(*IMAGES)
    made = workplace(lab, "lost", PROGRAM)
    made.environment({"h1": ["data"], "h2": ["web"], "h3": ["web"]}, options=', timeout: "5"')
    write_version(made, 1)
    made.trellis("up", "--yes")
    write_data(made, "h1")
    yield made
    made.trellis("destroy", "--yes")


def converge(place: Workplace, version: int) -> None:
    place.trellis("up", "--yes")
    assert place.plan() == []
    whole(place, version, PLACED[version])
    data_is_whole(place, "h1")


@pytest.mark.parametrize(("fault", "version"), [("crash", 2), ("partition", 1), ("freeze", 2)])
def test_a_host_that_goes_away_in_the_middle_is_named_and_the_others_go_on(
    fault: str, version: int, place: Workplace
) -> None:
    write_version(place, version)
    began = time.monotonic()
    ended = place.up_until("container echo-2 on h3: ", lambda: getattr(place.lab, fault)("h3"))
    assert ended.status == 11, ended.text
    assert time.monotonic() - began < 60
    assert "h3 stopped answering; not done, or not known to be done: " in ended.err
    assert "Traceback" not in ended.err
    assert place.on("h2", "cat", "/etc/echo.note") == f"version {version}\n"
    place.lab.heal("h3")
    if fault == "crash":
        place.lab.reboot("h3")
    place.lab.wait("h3")
    converge(place, version)


def test_a_slow_host_is_waited_for(place: Workplace) -> None:
    write_version(place, 1)
    ended = place.up_until("container echo-2 on h3: ", lambda: place.lab.slow("h3", 0.2))
    place.lab.heal("h3")
    assert ended.status == 0, ended.text
    converge(place, 1)


def test_a_host_that_does_not_answer_keeps_what_it_has_and_the_others_are_done(place: Workplace) -> None:
    write_version(place, 2)
    place.trellis("scan", "--host", "h3")
    place.lab.crash("h3")
    ended = place.trellis("up", "--yes", status=11)
    assert "! h3: " in ended.out
    assert "echo-2, proxy-2 on h3 are left alone and not moved" in ended.out
    assert "done on the other hosts, but these hosts did not answer: h3" in ended.err
    status = place.trellis("status", "--json", status=11).document
    assert [one["state"] for one in status["instances"] if one["host"] == "h3"] == ["unknown", "unknown"]
    assert re.search(
        r"^  last scanned (just now|\d+ minutes? ago): debian 12, .* Docker \d",
        place.trellis("status", status=11).out,
        re.MULTILINE,
    )
    assert place.on("h2", "docker", "ps", "-q").count("\n") == 3  # echo-1, the new echo-3, proxy-1: echo-2 stays on h3
    assert place.trellis("drift", status=11).out.startswith("! h3: ")
    place.lab.reboot("h3")
    converge(place, 2)


def test_an_engine_that_hangs_is_a_sentence_after_a_bounded_time(place: Workplace) -> None:
    first = ("docker", "inspect", "--format", "{{.State.Pid}}", f"lab-{place.lab.name}-h3")
    dockerd = int(subprocess.run(first, capture_output=True, check=True).stdout)
    os.kill(dockerd, signal.SIGSTOP)
    try:
        began = time.monotonic()
        ended = place.trellis("plan", status=11, timeout=100)
    finally:
        os.kill(dockerd, signal.SIGCONT)
    assert time.monotonic() - began < 60
    assert "the Docker Engine does not answer" in ended.out
    until(lambda: place.plan() == [], what="the engine goes on")
