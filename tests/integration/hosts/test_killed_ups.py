"""Killed with SIGKILL at every step of an `up` in turn: the next one converges, nothing is lost or doubled."""

import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from echo_stack import IMAGES, PROGRAM, data_is_whole, whole, write_data, write_version
from workplace import Workplace

from trellis_lab import Lab

PLACED = {
    1: {"h1": ["keeper-1"], "h2": ["echo-1", "echo-2", "proxy-1"]},
    2: {"h1": ["keeper-1"], "h2": ["echo-1", "echo-2", "echo-3", "proxy-1"]},
}
STARTED = re.compile(r"[+~±→-] \S+ \S+ on \S+: ")


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    lab.load(*IMAGES)
    made = workplace(lab, "echo", PROGRAM)
    made.environment({"h1": ["data"], "h2": ["web"]})
    yield made
    made.trellis("destroy", "--yes")


def kill_at(place: Workplace, step: int) -> bool:
    """Run `up` one step at a time and kill it when that step has begun; False when it came to its end before."""
    running = place.start("up", "--yes", "--parallel", "1")
    assert running.stderr
    begun = 0
    for line in running.stderr:
        begun += bool(STARTED.match(line))
        if begun == step:
            os.kill(running.pid, signal.SIGKILL)
            break
    running.communicate(timeout=60)
    assert running.returncode in (0, -signal.SIGKILL)
    return running.returncode != 0


def converge(place: Workplace, version: int) -> None:
    """One `up` is enough, and the next one has nothing to do."""
    place.trellis("up", "--yes")
    assert place.plan() == []
    whole(place, version, PLACED[version])


def test_killed_at_every_step_of_the_first_up(place: Workplace) -> None:
    write_version(place, 1)
    steps = len(place.plan())
    assert steps >= 9  # 2 networks, the volume, the note, the proxy's config and 4 containers
    for step in range(1, steps + 1):
        assert kill_at(place, step)
        place.trellis("up", "--yes")
        whole(place, 1, PLACED[1])
        place.trellis("destroy", "--yes")


def test_killed_at_every_step_of_an_update(place: Workplace) -> None:
    write_version(place, 1)
    place.trellis("up", "--yes")
    write_data(place, "h1")
    version, step = 1, 0
    killed = True
    while killed:
        step += 1
        version = 3 - version
        write_version(place, version)
        killed = kill_at(place, step)
        converge(place, version)
        data_is_whole(place, "h1")
    assert step >= 6  # the note, the proxy's config, a new instance or its removal, 2 others made anew; the 6th is none
