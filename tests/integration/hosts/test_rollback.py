"""Back to an earlier program: planned, shown and applied like an `up`, with data kept."""

import re
import subprocess
from collections.abc import Callable, Iterator

import pytest
from echo_stack import IMAGES, PROGRAM, data_is_whole, whole, write_data, write_version
from workplace import Workplace

from trellis_lab import Lab

PLACED = {
    1: {"h1": ["echo-1", "echo-2", "keeper-1", "proxy-1"]},
    2: {"h1": ["echo-1", "echo-2", "echo-3", "keeper-1", "proxy-1"]},
}


@pytest.fixture(scope="module", params=["without git", "with git"])
def place(
    lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace], request: pytest.FixtureRequest
) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    lab.load(*IMAGES)
    made = workplace(lab, "back", PROGRAM)
    made.environment({"h1": ["data", "web"]})
    write_version(made, 1)
    if request.param == "with git":
        git = ["git", "-C", str(made.folder), "-c", "user.name=ann", "-c", "user.email=ann@localhost"]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        (made.folder / ".gitignore").write_text(".trellis\n")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "start"], check=True)
    made.trellis("up", "--yes")
    write_data(made, "h1")
    yield made
    made.trellis("destroy", "--yes")


def test_the_program_before_comes_back_and_the_files_here_stay(place: Workplace) -> None:
    assert "there is nothing that dev could go back to" in place.trellis("rollback", "--yes", status=2).err
    write_version(place, 2)
    place.change('Storage("10 MiB"', 'Storage("20 MiB"')
    place.trellis("up", "--yes")
    whole(place, 2, PLACED[2])
    careless = place.trellis("rollback", "--yes", status=5)
    assert "this needs care: storage Data.data shrinks from 20 MiB" in careless.err
    assert 'try: --accept "storage Data.data"' in careless.err
    accept = ("--accept", "storage Data.data")
    refused = place.trellis("rollback", *accept, status=2)  # nobody can be asked
    assert "Bring dev back to run 1?" in refused.err
    whole(place, 2, PLACED[2])
    done = place.trellis("rollback", "--yes", *accept)
    assert "back to run 1 of " in done.err
    assert re.search(r"Done: 0 created, \d changed, 1 removed", done.out)
    whole(place, 1, PLACED[1])
    data_is_whole(place, "h1")
    assert place.trellis("history", "3", "--json").document["reason"] == "rollback to run 1"
    assert (place.folder / "note").read_text() == "version 2\n"
    assert len(place.plan()) >= 5  # the next up applies what is here
    assert place.trellis("rollback", "--to", "1", "--yes").err.splitlines()[-1] == (
        "nothing to do: dev is as run 1 left it"
    )


def test_after_a_failed_up_it_is_the_last_good_one(place: Workplace) -> None:
    write_version(place, 1)
    place.trellis("up", "--yes")
    place.change('echo:1", relocatable', 'echo:missing", relocatable')
    place.change("exactly(2)", "exactly(1)")
    place.trellis("up", "--yes", status=4)
    place.trellis("rollback", "--yes")
    whole(place, 1, PLACED[1])
    data_is_whole(place, "h1")
