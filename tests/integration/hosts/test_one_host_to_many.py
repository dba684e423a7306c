"""The same stack on one host, then on two, then on three with roles apart: only the environment's file changes."""

from collections.abc import Callable, Iterator

import pytest
from echo_stack import IMAGES, PROGRAM, data_is_whole, whole, write_data, write_version
from workplace import Workplace

from trellis_lab import Lab


@pytest.fixture(scope="module")
def place(lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]) -> Iterator[Workplace]:
    built_images("trellis-test/echo", "shop/haproxy:2.6")
    lab.load(*IMAGES)
    made = workplace(lab, "grow", PROGRAM)
    write_version(made, 1)
    made.environment({"h1": ["data", "web"]})
    made.trellis("up", "--yes")
    write_data(made, "h1")
    yield made
    made.trellis("destroy", "--yes")


def spread(place: Workplace, roles: dict[str, list[str]]) -> dict[str, list[str]]:
    """Deploy to these hosts; which instances each one has afterwards."""
    place.environment(roles)
    place.trellis("up", "--yes")
    assert place.plan() == []
    prefix = f"{place.stack}-dev-"
    names = place.containers()
    return {host: sorted(name.removeprefix(prefix) for name in names[host]) for host in roles}


def test_from_one_host_to_three_and_back_with_the_data_where_it_is(place: Workplace) -> None:
    whole(place, 1, {"h1": ["echo-1", "echo-2", "keeper-1", "proxy-1"]})
    keeper = place.on("h1", "docker", "inspect", "--format", "{{.Id}}", f"{place.stack}-dev-keeper-1")

    two = spread(place, {"h1": ["data", "web"], "h2": ["web"]})
    assert two["h2"][-1] == "proxy-2"
    whole(place, 1, two)

    three = spread(place, {"h1": ["data"], "h2": ["web"], "h3": ["web"]})
    assert three["h1"] == ["keeper-1"]
    assert sorted(name for names in three.values() for name in names if name.startswith("echo")) == ["echo-1", "echo-2"]
    whole(place, 1, three)
    data_is_whole(place, "h1")
    # What did not have to move was not touched.
    assert place.on("h1", "docker", "inspect", "--format", "{{.Id}}", f"{place.stack}-dev-keeper-1") == keeper

    one = spread(place, {"h1": ["data", "web"], "h2": [], "h3": []})
    assert one == {"h1": ["echo-1", "echo-2", "keeper-1", "proxy-1"], "h2": [], "h3": []}
    data_is_whole(place, "h1")


def test_storage_that_would_have_to_move_is_said_beforehand(place: Workplace) -> None:
    place.environment({"h1": ["web"], "h2": ["data"]})
    refused = place.trellis("up", "--yes", status=12).err
    assert "h2: storage data is active on h1" in refused
    assert "data does not move by itself: trellis role add Data h1 -e dev" in refused
    place.environment({"h1": ["data", "web"], "h2": [], "h3": []})
    assert place.plan() == []
    data_is_whole(place, "h1")
