"""A host whose disk fills up in the middle of an `up`: a sentence, what ran before goes on, the next run converges."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from echo_stack import IMAGES, PROGRAM, data_is_whole, whole, write_data, write_version
from workplace import Workplace

from trellis_lab import Lab

PLACED = {
    1: {"h1": ["keeper-1", "echo-1", "echo-2", "proxy-1"]},
    2: {"h1": ["keeper-1", "echo-1", "echo-2", "echo-3", "proxy-1"]},
}


@pytest.fixture(scope="module")
def place(built_images: Callable[..., None], workplace: Callable[..., Workplace], one_host: Lab) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    one_host.load(*IMAGES)
    made = workplace(one_host, "full", PROGRAM)
    made.environment({"h1": ["data", "web"]})
    # What Trellis and its files have is on the same small disk as what the engine has.
    made.on("h1", "sh", "-c", "mkdir /var/lib/docker/of-trellis && ln -s /var/lib/docker/of-trellis /var/lib/trellis")
    write_version(made, 1)
    made.trellis("up", "--yes")
    write_data(made, "h1")
    yield made
    made.trellis("destroy", "--yes")


@pytest.fixture(scope="module")
def one_host(engine: None) -> Iterator[Lab]:  # noqa: ARG001 - needed, not read
    """A host with a disk so small that it can be filled."""
    with Lab.up(1, name=f"lb-{uuid.uuid4().hex[:8]}", temporary=True, disk=512) as found:
        yield found


@pytest.mark.parametrize("at", ["haproxy-config proxy-1", "container echo-"])
def test_a_disk_that_is_full_is_a_sentence_and_nothing_is_lost(place: Workplace, at: str) -> None:
    write_version(place, 2)
    ended = place.up_until(at, lambda: place.lab.fill("h1"), "--parallel", "1")
    assert ended.status == 4, ended.text
    assert "no space left on device" in ended.text.lower()
    assert "Traceback" not in ended.text
    assert "version=" in place.page("h1", 8090, "echo.localhost")  # what ran before goes on, and what is done stays
    place.lab.heal("h1")
    place.trellis("up", "--yes")
    assert place.plan() == []
    whole(place, 2, PLACED[2])
    data_is_whole(place, "h1")
    write_version(place, 1)
    place.trellis("up", "--yes")
    whole(place, 1, PLACED[1])
