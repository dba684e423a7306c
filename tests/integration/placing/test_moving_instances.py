"""Instances on three real hosts: counts, a drained host, one that makes room, and a balance that is found once."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trellis_lab import Lab

ECHO = "trellis-test/echo:1"
STACK = """
from trellis import Role, Service, Stack, between, exactly, listens, one_per_role, runs

stack = Stack("{name}")


@stack.service(image="trellis-test/echo:1", memory="100 MiB", relocatable=True, stop_grace=1)
class Site(Service):
    http = listens(8080)


@stack.service(image="trellis-test/echo:1", memory="{big} MiB", stop_grace=1)
class Reports(Service):
    http = listens(8080)


@stack.service(image="trellis-test/echo:1", memory="100 MiB", relocatable="coordinated", stop_grace=1)
class Cache(Service):
    http = listens(8080)


@stack.role
class Front(Role):
    site = runs(Site, exactly({count}))
    reports = runs(Reports, exactly({reports}))
    cache = runs(Cache, exactly({caches}))
"""


SWAPPED = """
from trellis import Role, Service, Stack, exactly, listens, runs

stack = Stack("{name}")


@stack.service(image="trellis-test/echo:1", memory="300 MiB", relocatable=True, stop_grace=1)
class Cache(Service):
    http = listens(8080)


@stack.service(image="trellis-test/echo:1", memory="350 MiB", relocatable=True, stop_grace=1)
class Site(Service):
    http = listens(8080)


@stack.service(image="trellis-test/echo:1", memory="150 MiB", stop_grace=1)
class Reports(Service):
    http = listens(8080)


@stack.role
class Left(Role):
    cache = runs(Cache, exactly(1))


@stack.role
class Right(Role):
    site = runs(Site, exactly(1))


@stack.role
class Big(Role):
    reports = runs(Reports, exactly({reports}))
"""
MIB = {"Cache": 300, "Site": 350, "Reports": 150}


@dataclass(frozen=True)
class Project:
    """A stack on the lab's hosts, each of which may give it 500 MiB."""

    folder: Path
    name: str
    hosts: Mapping[str, Any]

    def stack(self, *, count: int, reports: int = 0, caches: int = 0, big: int = 300) -> None:
        text = STACK.format(name=self.name, count=count, reports=reports, caches=caches, big=big)
        (self.folder / "stack.py").write_text(text)

    def swapped(self, *, reports: int) -> None:
        (self.folder / "stack.py").write_text(SWAPPED.format(name=self.name, reports=reports))

    def environment(self, *names: str, **roles: list[str]) -> None:
        """Those hosts with the role `front`, and those that are named with their roles."""
        carried = {**{name: ["front"] for name in names}, **roles}
        lines = [f"  {name}: {json.dumps({**self.hosts[name], 'roles': carried[name]})}  # {name}" for name in carried]
        (self.folder / "environments/lab.yaml").write_text("\n".join(["# our hosts", "hosts:", *lines, ""]))

    def trellis(self, *words: str, status: int = 0) -> str:
        environment = os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}
        command = [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def up(self) -> None:
        self.trellis("up", "--yes")
        assert self.trellis("up", "--yes").splitlines()[-1] == "No changes: everything is as the stack says."

    def document(self, *words: str, status: int = 0) -> Any:
        printed = self.trellis(*words, "--json", status=status)
        return json.JSONDecoder().raw_decode(printed)[0]

    def planned(self) -> list[tuple[str, str, str]]:
        """Verb, id and reason of every container's step that does something."""
        steps = self.document("plan")["steps"]
        return [
            (step["verb"], step["id"].removeprefix("container:"), step["reason"])
            for step in steps
            if step["verb"] != "keep" and step["kind"] == "container"
        ]


@pytest.fixture(scope="module")
def project(lab: Lab, built_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    built_images(ECHO)
    lab.load(ECHO)
    folder = tmp_path_factory.mktemp("placing") / "stack"
    (folder / "environments").mkdir(parents=True)
    (folder / "trellis.yaml").write_text("default_environment: lab\nplacement: {seconds: 5}\n")
    described: Any = lab.environment_hosts()
    hosts = {name: {**entry, "capacity": {"memory": "500 MiB"}} for name, entry in described.items()}
    made = Project(folder, f"place-{uuid.uuid4().hex[:6]}", hosts)
    made.stack(count=4)
    made.environment("h1", "h2", "h3")
    yield made
    made.environment("h1", "h2", "h3")
    made.trellis("destroy", "--yes")


def running(lab: Lab, project: Project) -> dict[str, set[tuple[str, str]]]:
    """By host, the (name, id) of every container of the stack, as the host's own engine says."""
    found = {}
    for host in ("h1", "h2", "h3"):
        form = '{{.Label "io.trellis.service"}}-{{.Label "io.trellis.instance"}} {{.ID}}'
        words = ["docker", "ps", "--filter", f"label=io.trellis.stack={project.name}", "--format", form]
        _, printed = lab.execute(host, *words)
        found[host] = {(line.split()[0], line.split()[1]) for line in printed.splitlines()}
    return found


def fullest(lab: Lab, project: Project, since: str) -> dict[str, int]:
    """By host, the most MiB that ran there at once since that moment, as its own engine's events say."""
    found = {}
    for host in ("h1", "h2", "h3"):
        form = '{{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "io.trellis.service"}}'
        words = ["--since", since, "--until", now(lab), "--filter", f"label=io.trellis.stack={project.name}"]
        events = ["--filter", "event=start", "--filter", "event=die", "--format", form]
        _, printed = lab.execute(host, "docker", "events", *words, *events)
        lines = [line.split() for line in printed.splitlines()]
        started = {container for action, container, _ in lines if action == "start"}
        # What died without having been started since then ran before, and so did what still runs.
        on = {container: MIB[service] for _, container, service in lines if container not in started}
        still = {identity: MIB[name.partition("-")[0]] for name, identity in running(lab, project)[host]}
        on |= {one: size for one, size in still.items() if not any(each.startswith(one) for each in started)}
        found[host] = sum(on.values())
        for action, container, service in lines:
            on[container] = MIB[service] if action == "start" else 0
            found[host] = max(found[host], sum(on.values()))
    return found


def now(lab: Lab) -> str:
    return lab.execute("h1", "date", "+%s.%N")[1].strip()


def everything(found: dict[str, set[tuple[str, str]]]) -> set[tuple[str, str]]:
    return set().union(*found.values())


def test_four_become_eight_become_two_and_only_those_start_and_stop(lab: Lab, project: Project) -> None:
    project.stack(count=4)
    project.up()
    four = everything(running(lab, project))
    assert {name for name, _ in four} == {"Site-1", "Site-2", "Site-3", "Site-4"}
    project.stack(count=8)
    assert {(verb, key.partition("@")[0]) for verb, key, _ in project.planned()} == {
        ("create", f"site-{index}") for index in (5, 6, 7, 8)
    }
    project.up()
    eight = everything(running(lab, project))
    assert four < eight
    assert {name for name, _ in eight - four} == {"Site-5", "Site-6", "Site-7", "Site-8"}
    assert all(len(found) in {2, 3} for found in running(lab, project).values())
    project.stack(count=2)
    stopping = project.planned()
    assert {(verb, key.partition("@")[0]) for verb, key, _ in stopping} == {
        ("remove", f"site-{index}") for index in range(3, 9)
    }
    assert {reason.partition(" are on ")[0] for _, _, reason in stopping} == {
        "2 Site are wanted; it has the highest index",
        "2 Site are wanted; most of them",
    }
    project.up()
    assert everything(running(lab, project)) == {one for one in four if one[0] in {"Site-1", "Site-2"}}


def test_a_drained_host_is_emptied_and_then_retired(lab: Lab, project: Project) -> None:
    project.stack(count=3)
    project.environment("h1", "h2", "h3")
    project.up()
    assert all(len(found) == 1 for found in running(lab, project).values())
    assert "h3 still carries site-" in project.trellis("host", "retire", "h3", "--yes", status=5)
    project.trellis("host", "drain", "h3")
    written = (project.folder / "environments/lab.yaml").read_text()
    assert "# our hosts" in written
    assert "# h3" in written
    moves = [(verb, key.partition("@")[2] in {"h1", "h2"}, reason) for verb, key, reason in project.planned()]
    assert [(verb, elsewhere) for verb, elsewhere, _ in moves] == [("move", True)]
    assert moves[0][2].startswith("from h3: leaves h3, which is draining; least loaded of 2 hosts that carry Front")
    kept = running(lab, project)
    project.up()
    after = running(lab, project)
    assert after["h3"] == set()
    assert kept["h1"] <= after["h1"]
    assert kept["h2"] <= after["h2"]
    assert "h3 is drained: trellis host retire h3 -e lab" in project.trellis("plan")
    project.trellis("host", "retire", "h3", "--yes")
    assert "h3" not in (project.folder / "environments/lab.yaml").read_text()
    assert project.planned() == []


def test_a_rebalance_evens_out_the_load_and_a_second_one_changes_nothing(lab: Lab, project: Project) -> None:
    project.stack(count=4)
    project.environment("h1", "h2")
    project.up()
    project.environment("h1", "h2", "h3")
    project.up()  # a new host alone moves nothing
    assert running(lab, project)["h3"] == set()
    shown = project.trellis("rebalance", "--dry-run")
    assert "h3  memory" in shown
    assert "1 move: the fullest is 40% now, 40% then" in shown
    assert running(lab, project)["h3"] == set()
    project.trellis("rebalance", status=2)  # nobody can be asked
    project.trellis("rebalance", "--yes")
    assert sorted(len(found) for found in running(lab, project).values()) == [1, 1, 2]
    again = project.document("rebalance", "--yes")
    assert [step for step in again["steps"] if step["verb"] != "keep"] == []
    assert again["moves"] == []


def test_one_that_may_move_makes_room_for_a_large_one_and_one_that_may_not_is_asked_about(
    lab: Lab, project: Project
) -> None:
    project.stack(count=0)
    project.up()
    project.stack(count=2)
    project.environment("h1", "h2")
    project.up()
    project.stack(count=2, reports=1, big=450)
    verbs = {key.partition("-")[0]: verb for verb, key, _ in project.planned()}
    assert verbs == {"site": "move", "reports": "create"}
    project.up()
    assert sorted(sorted(name for name, _ in found) for found in running(lab, project).values()) == [
        [], ["Reports-1"], ["Site-1", "Site-2"],
    ]  # fmt: skip
    project.stack(count=0, caches=2)
    project.up()
    project.stack(count=0, caches=2, reports=1, big=450)
    refused = project.document("plan", status=12)
    assert [(short["service"], short["missing"]) for short in refused["shortfalls"]] == [("Reports", 1)]
    assert "with --allow-moves Cache, 1 more would find a host" in refused["warnings"]
    said = project.trellis("plan", status=12)
    assert "moving cache-" in said.lower()
    assert "but Cache is moved only with --allow-moves Cache" in said
    before = running(lab, project)
    project.trellis("up", "--yes", status=12)
    assert running(lab, project) == before
    project.trellis("up", "--yes", "--allow-moves", "Cache")
    assert sorted(sorted(name for name, _ in found) for found in running(lab, project).values()) == [
        [], ["Cache-1", "Cache-2"], ["Reports-1"],
    ]  # fmt: skip
    assert project.planned() == []


def test_two_that_wait_for_each_others_room_go_through_a_third_host(lab: Lab, project: Project) -> None:
    project.stack(count=0)
    project.environment("h1", "h2", "h3")
    project.up()
    project.swapped(reports=1)
    project.environment(h1=["left"], h2=["right"], h3=["left", "big"])
    project.up()
    before = running(lab, project)
    assert {host: {name for name, _ in found} for host, found in before.items()} == {
        "h1": {"Cache-1"}, "h2": {"Site-1"}, "h3": {"Reports-1"},
    }  # fmt: skip
    project.environment(h1=["right"], h2=["left"], h3=["left", "big"])
    since = now(lab)
    assert "h1 and h2 wait for each other's room" in project.trellis("plan")
    project.up()
    after = running(lab, project)
    assert {host: {name for name, _ in found} for host, found in after.items()} == {
        "h1": {"Site-1"}, "h2": {"Cache-1"}, "h3": {"Reports-1"},
    }  # fmt: skip
    assert everything(before) & everything(after) == before["h3"]
    # Cache was on h3 beside Reports for a while, and nowhere were two at once where there is no room for both.
    most = fullest(lab, project, since)
    assert most == {"h1": 350, "h2": 350, "h3": 450}
    assert all(each <= 500 for each in most.values())


def test_where_there_is_no_third_host_one_is_stopped_and_the_plan_says_so(lab: Lab, project: Project) -> None:
    project.swapped(reports=0)
    project.environment(h1=["left"], h2=["right"], h3=[])
    project.up()  # nothing of an earlier test stays on the host that is taken away
    project.environment(h1=["left"], h2=["right"])
    project.up()
    before = running(lab, project)
    project.environment(h1=["right"], h2=["left"])
    since = now(lab)
    assert "no host has room to hold it while h1 and h2 wait for each other" in project.trellis("plan")
    project.up()
    after = running(lab, project)
    assert {host: {name for name, _ in found} for host, found in after.items()} == {
        "h1": {"Site-1"}, "h2": {"Cache-1"}, "h3": set(),
    }  # fmt: skip
    assert not everything(before) & everything(after)
    assert fullest(lab, project, since) == {"h1": 350, "h2": 350, "h3": 0}


def test_advice_names_the_spare_host_and_its_role_and_is_right(lab: Lab, project: Project) -> None:
    project.stack(count=4)
    project.environment("h1", h3=[])
    project.up()
    assert "advice: nothing runs on h3" in project.trellis("plan")
    project.stack(count=8)
    before = running(lab, project)
    said = project.trellis("advise", status=12)
    assert "everything fits with front on h3: trellis role add front h3 -e lab" in said.replace("Front", "front")
    assert "trellis role add" in project.trellis("plan", status=12)
    assert running(lab, project) == before
    project.trellis("role", "add", "Front", "h3")
    project.up()
    after = running(lab, project)
    assert everything(before) < everything(after)
    assert len(after["h1"]) == len(after["h3"]) == 4


def test_a_host_that_does_not_answer_is_not_retired(lab: Lab, project: Project) -> None:
    project.stack(count=2)
    project.environment("h1", "h2")
    project.up()
    written = (project.folder / "environments/lab.yaml").read_text()
    lab.partition("h2")
    try:
        said = project.trellis("host", "retire", "h2", "--yes", status=11)
    finally:
        lab.heal("h2")
    assert "h2 does not answer, so nobody knows what it carries" in said
    assert "trellis host drain h2 -e lab, or trellis host remove h2 to forget it as it is" in said
    assert (project.folder / "environments/lab.yaml").read_text() == written
    lab.wait("h2")
    assert project.planned() == []
