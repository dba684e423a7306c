"""Bad input: a clear error with its place and the next command, the right exit code, and nothing changed."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_project import ECHO, HERE, Project

CYCLE = """
class A(Service):
    http = listens(80)

@stack.service(image="b:1")
class B(Service):
    http = listens(80)
    a = connects_to(A.http)

declared = connects_to(B.http)
declared.__set_name__(A, "b")
A.b = declared
stack.service(image="a:1")(A)
"""
SAME_PORT = """
@stack.service(image="trellis-test/echo:1")
class A(Service):
    http = listens(8080, host_port=18991)

@stack.service(image="trellis-test/echo:1")
class B(Service):
    http = listens(8080, host_port=18991)

@stack.role
class Web(Role):
    a = runs(A, exactly(1))
    b = runs(B, exactly(1))
"""
CONFLICT = """
@stack.role
class Other(Role):
    pass

@stack.role(conflicts_with=Other)
class Third(Role):
    pass
"""
CONFIGURED = ECHO.replace("    http", "    workers = default(4)\n    http")

STACKS = {
    "a syntax error": ("def (", HERE, "check", 2, ["syntax error", "at: stack.py:5"]),
    "a module that is not there": (
        "import nowhere\n", HERE, "check", 2, ["No module named 'nowhere'", "at: stack.py:5"],
    ),
    "a service without an image": (
        "@stack.service()\nclass A(Service): pass\n", HERE, "check", 2,
        ["A has no image", "stack.py:5", "try: say one"],
    ),
    "services that need each other first": (CYCLE, HERE, "check", 2, ["A → B → A", "stack.py", "stack.connect"]),
    "one host port twice": (SAME_PORT, HERE, "up --yes", 12, ["18991"]),
    "roles that conflict": (
        ECHO + CONFLICT, HERE.replace("[web]", "[web, other, third]"), "up --yes", 12, ["Other", "Third", "here"],
    ),
    "an unknown config key": (
        CONFIGURED, HERE + "config: {Echo.wrokers: 8}\n", "up --yes", 2,
        ["no config value Echo.wrokers", "environments/dev.yaml: config.Echo.wrokers", "did you mean Echo.workers?"],
    ),
    "a config value of the wrong type": (
        CONFIGURED, HERE + "config: {Echo.workers: many}\n", "up --yes", 2,
        ["Echo.workers must be a whole number, not 'many'", "at: environments/dev.yaml: config.Echo.workers"],
    ),
    "an unknown environment": (
        ECHO, HERE, "up -e prdo --yes", 6, ["no environment prdo", "there are dev", "try: "],
    ),
    "a host that is no host": (ECHO, HERE, "up --host ther --yes", 2, ["no host ther", "here"]),
    "a way to connect that nobody knows": (
        ECHO, HERE.replace("local://", "carrier-pigeon://x"), "up --yes", 2, ["carrier-pigeon://", "local://"],
    ),
    "a stack's name with a space": (
        "Stack('my shop')\n", HERE, "check", 2, ["'my shop' cannot be a stack's name", "stack.py:5", "my-shop"],
    ),
    "a class that is not ASCII": (
        "@stack.service(image='a:1')\nclass Größe(Service): pass\n", HERE, "check", 2, ["Größe", "ASCII", "stack.py:5"],
    ),
    "a host's name with a space": (
        ECHO, HERE.replace("here:", "'my host':"), "up --yes", 2, ["my host", "environments/dev.yaml"],
    ),
    "missing config": (
        ECHO.replace("    http", "    domain = required(str)\n    token = secret()\n    http"), HERE, "up --yes", 2,
        ["dev lacks Echo.domain, Echo.token", "config set Echo.domain VALUE -e dev", "secret set Echo.token -e dev"],
    ),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "stack", f"bad-{uuid.uuid4().hex[:6]}")


@pytest.mark.parametrize("kind", STACKS)
@pytest.mark.usefixtures("engine")
def test_it_is_refused(project: Project, kind: str) -> None:
    program, environment, words, status, parts = STACKS[kind]
    project.write(program, environment)
    ended = project.run(*words.split())
    assert ended.status == status, ended
    assert "error: " in ended.stderr
    assert [part for part in parts if part not in ended.stderr + ended.stdout] == [], ended.stderr
    assert "Traceback" not in ended.stderr
    assert project.containers() == []


def test_a_role_that_no_host_carries_is_a_warning(project: Project, engine: None) -> None:  # noqa: ARG001 - needed
    project.write(ECHO + "\n@stack.role\nclass Idle(Role):\n    pass\n")
    ended = project.run("plan")
    assert (ended.status, "! no host carries the role Idle: trellis role add Idle HOST -e dev" in ended.stdout) == (
        0,
        True,
    )


@pytest.mark.usefixtures("engine")
def test_a_host_without_docker_is_said(project: Project) -> None:
    project.write(ECHO)
    ended = project.run("up", "--yes", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert ended.status in (1, 11), ended
    assert "Docker Engine" in ended.stderr
    assert "here" in ended.stderr
    assert "try: " in ended.stderr


@pytest.fixture
def running(project: Project, built_images: Callable[..., None]) -> Iterator[Project]:
    built_images("trellis-test/echo:1", "trellis-test/echo:unhealthy")
    project.write(ECHO)
    assert project.run("up", "--yes").status == 0
    yield project
    project.write(ECHO)
    assert project.run("destroy", "--yes").status == 0
    assert project.containers() == []


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("trellis-test/nowhere:9", ["image trellis-test/nowhere:9 is not on here", "try: check its name"]),
        ("trellis-test/echo:unhealthy", ["did not become healthy within 1 s", "the old one runs again", "try: "]),
    ],
)
def test_a_bad_image_leaves_the_old_one_serving(running: Project, image: str, parts: list[str]) -> None:
    before = running.containers()
    program = ECHO.replace("trellis-test/echo:1", image)
    running.write(program.replace('health="/healthz"', 'health=http("/healthz", timeout=1)'))
    ended = running.run("up", "--yes")
    assert ended.status == 4, ended
    assert [part for part in parts if part not in ended.stderr] == [], ended.stderr
    assert running.containers() == before == [f"{running.name}-dev-echo-1 running"]


def test_a_thousand_services_are_checked_and_planned(project: Project, engine: None) -> None:  # noqa: ARG001 - needed
    project.write(
        """
def make(number):
    @stack.service(image="trellis-test/echo:1", cpu=0.0001, memory="1 KiB", name=f"Echo{number}")
    class Echo(Service):
        http = listens(8080)
    return Echo

@stack.role
class Web(Role):
    pass

for number in range(1000):
    declared = runs(make(number), exactly(1))
    setattr(Web, f"echo{number}", declared)
    declared.__set_name__(Web, f"echo{number}")
"""
    )
    assert "1000 services" in project.run("check").stdout
    ended = project.run("plan")
    assert "Plan: 1001 to create, 0 to change, 0 to remove on 1 host" in ended.stdout, ended.stderr
