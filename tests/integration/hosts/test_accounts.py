"""Who Trellis is on a host, and whether the host is who it says, through the whole program."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from workplace import Workplace

from trellis_lab import Lab

PROGRAM = """
from trellis import Role, Service, Stack, listens, one_per_host, runs, static_file

stack = Stack("NAME")


@stack.service(image="trellis-test/echo:1")
class Echo(Service):
    http = listens(8080, health="/healthz")


@stack.role
class Web(Role):
    echo = runs(Echo, one_per_host)
    note = static_file("/etc/echo.note", "note")
"""


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo:1")
    lab.load("trellis-test/echo:1")
    made = workplace(lab, "who", PROGRAM)
    (made.folder / "note").write_text("one\n")
    made.environment({"h1": ["web"]})
    yield made
    made.environment({"h1": ["web"]})
    made.trellis("destroy", "--yes")


@pytest.mark.parametrize(("user", "options"), [("keeper", ""), ("careful", ", sudo_password: lab.sudo_password")])
def test_an_account_that_is_not_root_but_has_sudo_does_it_all(place: Workplace, user: str, options: str) -> None:
    if options:
        place.secret("lab.sudo_password", place.lab.access.sudo_password.read_text().strip())
    place.environment({"h1": ["web"]}, user=user, options=options)
    place.trellis("up", "--yes")
    assert place.plan() == []
    assert place.on("h1", "stat", "-c", "%U", "/etc/echo.note") == "root\n"
    place.on("h1", "sh", "-c", "echo two >/etc/echo.note")
    assert "content changed by hand" in place.trellis("drift").out
    place.trellis("destroy", "--yes")
    assert place.on("h1", "docker", "ps", "-aq") == ""


def test_an_account_without_root_or_sudo_gets_a_sentence(place: Workplace) -> None:
    place.environment({"h1": ["web"]}, user="plain")
    refused = place.trellis("up", "--yes", status=3).err
    assert "the account plain on h1 needs a password for sudo" in refused
    assert "try: use an account with sudo rights" in refused
    assert "Traceback" not in refused
    assert place.on("h1", "docker", "ps", "-aq") == ""


def test_a_changed_host_key_is_refused_and_nothing_is_done(place: Workplace) -> None:
    known = place.folder.parent / "known_hosts"
    h1, h2 = (str(place.lab.host(name).address) for name in ("h1", "h2"))
    # What is known as h1's key is another host's: as if somebody else answered now.
    (line,) = (line for line in place.lab.access.known_hosts.read_text().splitlines() if line.startswith(h2))
    known.write_text(line.replace(h2, h1, 1) + "\n")
    place.environment({"h1": ["web"]})
    place.change(str(place.lab.access.known_hosts), str(known), "environments/dev.yaml")
    refused = place.trellis("up", "--yes", status=3).err
    assert "the host key of h1" in refused
    assert "has changed" in refused
    assert "somebody may be listening in" in refused
    assert place.on("h1", "docker", "ps", "-aq") == ""


def test_a_new_host_is_trusted_on_a_terminal_after_its_fingerprint_was_shown(place: Workplace) -> None:
    known = place.folder.parent / "new_known_hosts"
    place.environment({"h1": ["web"]})
    place.change(str(place.lab.access.known_hosts), str(known), "environments/dev.yaml")
    fingerprint = place.on("h1", "ssh-keygen", "-lf", "/etc/trellis-lab/host_key").split()[1]
    assert fingerprint in place.trellis("up", "--yes", status=3).err
    said, status = on_terminal(place, ["host", "trust", "h1"], answer="n\n")
    assert f"h1 offers the key {fingerprint}. Is that its key?" in said
    assert (status, known.exists()) == (8, False)
    said, status = on_terminal(place, ["host", "trust", "h1"], answer="y\n")
    assert (status, known.exists()) == (0, True)
    assert "trusted the key of h1" in said
    assert place.plan() != []


def on_terminal(place: Workplace, words: list[str], answer: str) -> tuple[str, int]:
    """Run the program on a terminal of its own and answer its question; what it showed, and its status."""
    ours, its = pty.openpty()
    running = subprocess.Popen(place.command(*words), stdin=its, stdout=its, stderr=its, env=place.variables)
    os.close(its)
    said, answered, deadline = "", False, time.monotonic() + 40
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        said += data.decode()
        if "[y/N]" in said and not answered:
            answered = True
            os.write(ours, answer.encode())
    os.close(ours)
    return said, running.wait(timeout=20)
