"""Who reaches what on real hosts: every client and every port, before, while and after a service moves."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

HOSTS = ("h1", "h2", "h3", "h4")
BYSTANDER = 18999

LOOKING_AT_ONCE = 4
LONGEST_UNSEEN = 5.0
"""Seconds of a move in which nobody starts to look; a look waits 2 s for each port that does not answer."""

Sample = tuple[float, dict[str, set[tuple[str, int]]]]
"""When somebody looked, and what each client reached."""


class Matrix:
    """The clients and the ports of one placement, and what each client must reach."""

    def __init__(self, wall: Any, back: str) -> None:
        self.back_host = back
        self.back, self.front = wall.port("back-1"), wall.port("front-1")
        self.native = (wall.address("h4"), 8080)
        self.bystanders = {(wall.address(host), BYSTANDER) for host in HOSTS}
        self.ssh = {(wall.address(host), 22) for host in HOSTS}
        self.targets = {self.back, self.front, self.native, *self.bystanders, *self.ssh}
        stack = wall.name
        self.containers = {
            "front": f"h3/{stack}-lab-front-1",
            "back": f"{back}/{stack}-lab-back-1",
            **{f"bystander on {host}": f"{host}/bystander" for host in HOSTS},
        }
        self.clients = [*HOSTS, *self.containers.values()]

    def expected(self, client: str) -> set[tuple[str, int]]:
        """Everyone reaches public ports, bystanders' and ssh; the back and the native one their clients only."""
        found = {self.front, *self.bystanders, *self.ssh}
        # A host always reaches what is on it, and the host of a client cannot be told from its client.
        if client in {"h3", self.back_host, self.containers["front"]}:
            found |= {self.back}
        if client in {"h3", "h4", self.containers["front"]}:
            found |= {self.native}
        return found


def test_every_path_is_open_or_closed_as_declared_before_during_and_after_a_move(wall: Any) -> None:
    wall.environment(firewall={"provider": "nftables"}, pins={"Back": ["h1"]})
    wall.up()
    matrix = Matrix(wall, "h1")
    assert wall.matrix(matrix.clients, matrix.targets) == {one: matrix.expected(one) for one in matrix.clients}

    there = (wall.address("h2"), matrix.back[1])
    wall.environment(firewall={"provider": "nftables"}, pins={"Back": ["h2"]})
    began = time.monotonic()
    with sampling(wall, matrix, there) as samples:
        wall.up()
    looks = sorted([began, *(moment for moment, _ in samples), time.monotonic()])
    assert max(after - before for before, after in pairwise(looks)) <= LONGEST_UNSEEN
    for _, reached in samples:
        assert not reached["h4/bystander"] & {matrix.back, there}  # never, at neither place
        assert matrix.bystanders <= reached["h4/bystander"]

    after = Matrix(wall, "h2")
    assert wall.matrix(after.clients, after.targets) == {one: after.expected(one) for one in after.clients}
    assert "No changes" in wall.trellis("plan")


@contextmanager
def sampling(wall: Any, matrix: Matrix, there: tuple[str, int]) -> Iterator[list[Sample]]:
    """Look again and again who reaches the old and the new place, until the block ends; several look at once."""
    found: list[Sample] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            moment = time.monotonic()
            found.append((moment, wall.matrix(["h4/bystander"], {matrix.back, there, *matrix.bystanders})))

    looking = [threading.Thread(target=look) for _ in range(LOOKING_AT_ONCE)]
    for one in looking:
        one.start()
    try:
        yield found
    finally:
        done.set()
        for one in looking:
            one.join()


def test_iptables_says_the_same_and_keeps_to_it_over_a_reboot_and_a_restart_of_the_engine(wall: Any) -> None:
    wall.environment(firewall={"provider": "iptables"}, pins={"Back": ["h2"]})
    wall.up()
    matrix = Matrix(wall, "h2")
    assert wall.matrix(matrix.clients, matrix.targets) == {one: matrix.expected(one) for one in matrix.clients}
    wall.lab.reboot("h2")
    wall.lab.execute("h2", "sh", "-c", "kill -HUP $(cat /var/run/docker.pid)")
    wanted = {one: matrix.expected(one) & {matrix.back} for one in ("h3", "h4", "h4/bystander")}
    deadline = time.monotonic() + 30
    while (reached := wall.matrix(wanted, {matrix.back})) != wanted:
        assert time.monotonic() < deadline, reached
    assert "No changes" in wall.trellis("plan")
