"""What instances are told about each other on real hosts: as of the last run, without restarts, and without Trellis."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PROGRAM = """

@wall.service(image=IMAGE)
class Reader(Service):
    back = connects_to(Back.http, on_change="nothing")
    http = listens(8080)


@wall.role
class Readers(Role):
    reader = runs(Reader, one_per_role)
"""


def told(wall: Any, instance: str, host: str) -> dict[str, Any]:
    status, text = wall.lab.execute(host, "docker", "exec", instance, "busybox", "cat", "/etc/trellis/services.json")
    assert status == 0, text
    found: dict[str, Any] = json.loads(text)["services"]
    return found


def container_id(wall: Any, instance: str, host: str) -> str:
    return str(wall.lab.execute(host, "docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", instance)[1])


def test_a_dependency_that_moves_is_found_without_a_restart_where_that_is_wanted(wall: Any) -> None:
    program = wall.folder / "stack.py"
    program.write_text(program.read_text() + PROGRAM)
    wall.environment(pins={"Back": ["h1"]}, roles={"h4": ["Natives", "Readers"]})
    wall.up()
    reader, front = f"{wall.name}-lab-reader-1", f"{wall.name}-lab-front-1"
    back = wall.port("back-1")
    assert told(wall, reader, "h4")["back"]["instances"] == [
        {"name": "back-1", "on": "h1", "host": back[0], "port": back[1]}
    ]
    before = container_id(wall, reader, "h4"), container_id(wall, front, "h3")

    wall.environment(pins={"Back": ["h2"]}, roles={"h4": ["Natives", "Readers"]})
    wall.up()
    assert told(wall, reader, "h4")["back"]["host"] == wall.address("h2")
    assert told(wall, front, "h3")["back"]["host"] == wall.address("h2")
    assert container_id(wall, reader, "h4") == before[0]  # it reads the file again
    assert container_id(wall, front, "h3") != before[1]  # it cannot, so it was made anew
    names = wall.lab.execute("h3", "docker", "exec", front, "busybox", "cat", "/etc/hosts")[1]
    assert f"{wall.address('h2')}\tback-1" in names
    assert f"{wall.address('h2')}\tback" in names
    assert "No changes" in wall.trellis("plan")


def test_everything_finds_everything_after_reboots_without_trellis(wall: Any) -> None:
    front, reader = f"{wall.name}-lab-front-1", f"{wall.name}-lab-reader-1"
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(wall.lab.reboot, ("h3", "h4", "h2")))
    deadline = time.monotonic() + 40
    while True:
        place = told(wall, front, "h3")["back"]
        target = (place["host"], place["port"])
        if all(wall.reached(client, {target}) for client in (f"h3/{front}", f"h4/{reader}")):
            break
        assert time.monotonic() < deadline
    assert wall.reached("h1", {target}) == set()
