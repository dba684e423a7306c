"""Real hosts for tests: labs that end with the test run, and are removed by the next one when it was killed."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trellis.hosts import Host
from trellis_dsl.secret import Secret
from trellis_lab import Lab

pytest.register_assert_rewrite(
    "authorities",
    "certified_project",
    "chain_project",
    "echo_stack",
    "local_project",
    "running_console",
    "workplace",
)

from workplace import Workplace  # noqa: E402 - after its asserts are set to explain themselves

MakeHost = Callable[..., Host]


def missing(part: str) -> None:
    """Skip on a developer's laptop and say what is missing; fail where everything has to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing")


@pytest.fixture(scope="session")
def engine() -> None:
    """Needs a Docker Engine on this machine."""
    import docker

    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException:
        return missing("a Docker Engine (scripts/engine)")
    try:
        client.ping()
    except Exception:  # noqa: BLE001 - whatever it is, no engine answers
        missing("a Docker Engine (scripts/engine)")
    finally:
        client.close()


@pytest.fixture(scope="session")
def built_images(engine: None) -> Callable[..., None]:  # noqa: ARG001 - needed, not read
    """Builds images of the demo and the tests where they are missing: `built_images("trellis-test/echo")`."""

    def build(*names: str) -> None:
        root = Path(__file__).parents[2]
        subprocess.run([root / "scripts" / "base-image"], check=True)
        subprocess.run([root / "scripts" / "images", *names], check=True)

    return build


def lab_name() -> str:
    """A name that no other run uses at the same time."""
    return f"lb-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def lab(engine: None) -> Iterator[Lab]:  # noqa: ARG001 - needed, not read
    """Three hosts for the whole run; a test leaves them as it found them."""
    with Lab.up(3, name=lab_name(), temporary=True) as found:
        yield found


@pytest.fixture
def new_lab(engine: None) -> Iterator[Callable[..., Lab]]:  # noqa: ARG001 - needed, not read
    """Makes labs for one test alone: `new_lab(2, memory=[512])`."""
    made: list[Lab] = []

    def make(count: int, **settings: object) -> Lab:
        made.append(Lab.up(count, name=lab_name(), temporary=True, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.down()


@pytest.fixture(scope="session")
def lab_host() -> MakeHost:
    """Describes a lab's host as an environment file would: `lab_host(lab, "h1", user="keeper")`."""

    def describe(lab: Lab, name: str, *, user: str = "deploy", **options: str) -> Host:
        address = str(lab.host(name).address)
        keys = {"identity_file": str(lab.access.identity), "known_hosts": str(lab.access.known_hosts)}
        secrets = {}
        if user == "careful":
            keys["sudo_password"] = "lab.sudo_password"
            secrets["sudo_password"] = Secret(lab.access.sudo_password.read_text().strip())
        return Host(name, f"ssh://{user}@{address}", address, options={**keys, **options}, secrets=secrets)

    return describe


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Workplace]:
    """Makes a project of a program's text: `workplace(lab, "echo", text)`; `NAME` in it is the stack's name."""

    def make(lab: Lab, prefix: str, program: str) -> Workplace:
        name = f"{prefix}-{uuid.uuid4().hex[:6]}"
        folder = tmp_path_factory.mktemp(prefix) / "stack"
        (folder / "environments").mkdir(parents=True)
        (folder / "stack.py").write_text(program.replace("NAME", name))
        (folder / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: dev\n")
        return Workplace(folder, lab, name)

    return make
