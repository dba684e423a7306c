"""Two operators with one journal: one applies, the other is told who does; a dead one is in nobody's way."""

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from echo_stack import IMAGES, PROGRAM, whole, write_version
from workplace import Workplace

from trellis_lab import Lab

PLACED = {
    1: {"h1": ["echo-1", "echo-2", "keeper-1", "proxy-1"]},
    2: {"h1": ["echo-1", "echo-2", "echo-3", "keeper-1", "proxy-1"]},
}


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    lab.load(*IMAGES)
    made = workplace(lab, "two", PROGRAM)
    made.environment({"h1": ["data", "web"]})
    yield made
    made.trellis("destroy", "--yes")


def begun(place: Workplace, *words: str) -> "subprocess.Popen[str]":
    """An `up` that holds the lock and has begun to apply."""
    running = place.start("up", "--yes", "--parallel", "1", *words)
    assert running.stderr
    for line in running.stderr:
        if "container keeper-1 on h1" in line or "container echo-1 on h1" in line:
            return running
    pytest.fail("it never began")


@contextmanager
def standing_still(running: "subprocess.Popen[str]") -> Iterator[None]:
    """A process that goes on only afterwards, however long its steps take."""
    running.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        running.send_signal(signal.SIGCONT)


def test_one_applies_and_the_other_is_told_who_does(place: Workplace) -> None:
    write_version(place, 1)
    first = begun(place)
    with standing_still(first):
        second = place.trellis("up", "--yes", status=10)
    assert re.search(rf"environment dev is locked by \S+@\S+ \(pid {first.pid}, trellis .*up --yes", second.err)
    assert "--lock-wait 60" in second.err
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert place.plan() == []
    whole(place, 1, PLACED[1])


def test_one_that_waits_plans_again_and_refuses_what_is_no_longer_what_it_showed(place: Workplace) -> None:
    write_version(place, 2)
    first = begun(place)
    with standing_still(first):
        second = place.start("up", "--yes", "--lock-wait", "60")
        assert second.stderr
        assert f"(pid {first.pid}, " in second.stderr.readline()  # whom it waits for
    _, err = second.communicate(timeout=120)
    assert (second.returncode, "the plan is stale" in err) == (5, True), err
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert place.plan() == []
    whole(place, 2, PLACED[2])


def test_a_killed_holder_is_in_nobodys_way_on_the_same_machine(place: Workplace) -> None:
    write_version(place, 1)
    first = begun(place)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=10)
    assert "its process has ended" in place.trellis("lock", "status").out
    began = time.monotonic()
    place.trellis("up", "--yes")
    assert time.monotonic() - began < 25  # it did not wait for the lease's end
    whole(place, 1, PLACED[1])
    assert [run["outcome"] for run in place.trellis("history", "--json").document["runs"][:2]] == [
        "done",
        "interrupted",
    ]


def test_a_dead_holder_on_another_machine_is_in_the_way_until_its_lease_expires(place: Workplace) -> None:
    write_version(place, 2)
    first = begun(place)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=10)
    # From here this machine cannot tell that the process has ended; most of the lease's 30 seconds are over.
    soon = f"{datetime.now(UTC) + timedelta(seconds=8):%Y-%m-%d %H:%M:%S.%f}"
    with sqlite3.connect(place.folder / ".trellis/state.db") as database:
        database.execute("UPDATE trellis_leases SET identity = 'another machine/pid:[1]/1', expires = ?", (soon,))
    database.close()
    assert "is locked by" in place.trellis("up", "--yes", status=10).err
    place.trellis("up", "--yes", "--lock-wait", "60")
    whole(place, 2, PLACED[2])


def test_a_run_whose_lock_was_broken_ends_its_step_and_does_nothing_more(place: Workplace) -> None:
    write_version(place, 1)
    first = begun(place)
    with standing_still(first):
        place.trellis("lock", "break", "--yes")
    out, err = first.communicate(timeout=60)
    assert first.returncode == 10, out + err
    assert "this run lost the lock of environment dev" in err
    assert "Traceback" not in err
    place.trellis("up", "--yes")
    whole(place, 1, PLACED[1])
