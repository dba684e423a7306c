"""A plugin that others wrote, installed with pip into an environment of its own: what it adds, and how it may break."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ALMANAC = Path(__file__).parent / "almanac"
PROGRAM = "from trellis.cli.main import main; main()"
STACK = """
from trellis import Role, Stack, one_per_role, runs
from trellis_almanac import Almanac

library = Stack("library")


@library.role
class Shelf(Role):
    almanac = runs(Almanac, one_per_role)
"""
TIGHT = """
from trellis import Role, Service, Stack, exactly, runs

library = Stack("library")


@library.service(image="trellis-test/echo:1", memory="300 MiB")
class Atlas(Service):
    pass


@library.service(image="trellis-test/echo:1", memory="200 MiB")
class Novel(Service):
    pass


@library.role
class Shelf(Role):
    atlas = runs(Atlas, exactly(2))
    novel = runs(Novel, exactly(3))
"""
TWO_HOSTS = """
hosts:
  left: {connect: 'local://', roles: [Shelf], capacity: {memory: 600 MiB}}
  right: {connect: 'local://', roles: [Shelf], capacity: {memory: 600 MiB}}
"""
THOROUGH = """
import itertools
from trellis.placing.solvers.contract import Answer, standing

class Thorough:
    '''Tries everything: for a handful of instances only.'''
    name = "thorough"

    def solve(self, task, start, limits):
        def fits(where):
            return all(
                sum(task.needs[item.workload][1] for item, on in zip(task.items, where) if on == host) <= have[1]
                for host, have in enumerate(task.capacity)
            )
        choices = itertools.product(*(task.candidates_of(item) for item in task.items))
        best = min(filter(fits, choices), key=lambda where: (standing(task, where), where))
        return Answer(best, True, "proven by trying everything")

@hookimpl
def trellis_solver():
    return [Thorough()]
"""
CARELESS = """
from trellis.placing.solvers.contract import Answer

class Careless:
    name = "careless"

    def solve(self, task, start, limits):
        return Answer(tuple(0 for _ in start), True, "all on one")

@hookimpl
def trellis_solver():
    return [Careless()]
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A fresh environment that sees this one's packages, so that nothing but plugins has to be installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    here = sysconfig.get_path("purelib")
    there = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    (Path(there) / "host.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    return folder / "bin" / "python"


def install(python: Path, package: Path) -> None:
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *options, str(package)], check=True)


@pytest.fixture
def run(python, tmp_path) -> Run:
    (tmp_path / "stack.py").write_text(STACK)
    (tmp_path / "trellis.yaml").write_text("default_environment: dev\n")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text("hosts: {here: {connect: 'local://', roles: [Shelf]}}\n")

    def type_(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [python, "-c", PROGRAM, "-C", str(tmp_path), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    return type_


@pytest.fixture
def another(python, tmp_path):
    """Installs a plugin of one module, for one test: `another("name", "its text", ">=1")`."""
    made = []

    def make(name: str, text: str, needs: str = "") -> None:
        folder = tmp_path / f"plugin-{name}"
        folder.mkdir()
        (folder / f"trellis_{name}.py").write_text(f'"""A plugin."""\nfrom trellis.plugin import hookimpl\n{text}')
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "trellis-{name}"\nversion = "1.0"\ndependencies = ["opencluster-trellis{needs}"]\n'
            f'[project.entry-points.trellis]\n{name} = "trellis_{name}"\n'
            f'[tool.hatch.build.targets.wheel]\nonly-include = ["trellis_{name}.py"]\n'
        )
        install(python, folder)
        made.append(f"trellis-{name}")

    yield make
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *made], check=True)


@pytest.fixture(scope="module", autouse=True)
def installed(python) -> None:
    install(python, ALMANAC)


def test_it_is_listed_with_its_version_and_what_it_provides(run):
    listed = {one["name"]: one for one in json.loads(run("plugins", "--json").stdout)["plugins"]}
    almanac = listed["almanac"]
    assert (almanac["distribution"], almanac["version"]) == ("trellis-almanac", "1.2.3")
    assert (almanac["kinds"], almanac["commands"]) == (["almanac-page"], ["almanac"])
    assert listed["docker"]["distribution"] == "opencluster-trellis"
    assert "1.2.3 (trellis-almanac)" in run("plugins").stdout


def test_it_adds_a_command(run):
    assert run("almanac").stdout == "a book with a page for every day\n"
    assert "say what an almanac is" in run("--help").stdout
    assert "Example: trellis almanac" in run("almanac", "--help").stdout


def test_its_own_tests_use_our_kit(python):
    ended = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ALMANAC / "tests")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ALMANAC,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ended.returncode == 0, ended.stdout


def test_a_stack_runs_its_service_and_keeps_its_resources(run, engine, built_images, tmp_path):  # noqa: ARG001
    built_images("trellis-test/echo:1")
    page = Path("/var/lib/trellis/library/dev/almanac/almanac-1")
    try:
        up = run("up", "--yes")
        assert up.returncode == 0, up.stderr
        assert "+ almanac-page almanac-1 on here: new page" in up.stdout
        assert page.read_text() == "The almanac of 2027\n"
        assert run("up", "--yes").stdout == "No changes: everything is as the stack says.\n"
        run("config", "set", "Almanac.year", "2028")
        assert "~ almanac-page almanac-1 on here: another text" in run("plan").stdout
    finally:
        destroyed = run("destroy", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    assert not page.parent.exists()


def test_one_that_cannot_be_imported_is_named_and_the_rest_works(run, another):
    another("crooked", "import nothing_of_that_name\n")
    ended = run("almanac")
    assert (ended.returncode, ended.stdout) == (0, "a book with a page for every day\n")
    assert ended.stderr == (
        "warning: the plugin crooked (trellis_crooked) was left out: ModuleNotFoundError: "
        "No module named 'nothing_of_that_name'\n"
    )
    assert json.loads(run("plugins", "--json").stdout)["warnings"]


@pytest.mark.parametrize("hook", ["trellis_commands", "trellis_connectors", "trellis_providers"])
def test_one_that_fails_when_it_is_asked_is_named_and_the_rest_works(run, another, hook):
    another("brittle", f"@hookimpl\ndef {hook}():\n    raise ValueError('no luck')\n")
    ended = run("plugins")
    assert (ended.returncode, "almanac" in ended.stdout) == (0, True)
    assert f"warning: the plugin brittle was left out: {hook} failed with ValueError: no luck" in ended.stderr
    assert run("almanac").returncode == 0


def test_one_that_fails_to_say_what_hosts_should_have_stops_the_plan(run, another, engine):  # noqa: ARG001
    """To go on without its answer would be to take away what it has made."""
    another("forgetful", "@hookimpl\ndef trellis_resources(deployment):\n    raise KeyError('year')\n")
    ended = run("plan")
    assert ended.returncode == 1
    assert "the plugin forgetful is broken: trellis_resources failed with KeyError: 'year'" in ended.stderr
    assert "pip uninstall trellis-forgetful" in ended.stderr


def test_one_for_another_trellis_is_named_with_what_it_needs(run, another):
    another("modern", "raise RuntimeError('never imported')\n", ">=99")
    ended = run("almanac")
    assert ended.returncode == 0
    assert "the plugin modern was left out: trellis-modern 1.0 needs opencluster-trellis>=99" in ended.stderr


@pytest.fixture
def tight(run, tmp_path, engine) -> Callable[..., "subprocess.CompletedProcess[str]"]:  # noqa: ARG001
    """Plans, with the solver of that name, a stack that fits in one way only, which largest-first misses."""
    (tmp_path / "stack.py").write_text(TIGHT)
    (tmp_path / "environments" / "dev.yaml").write_text(TWO_HOSTS)

    def plan(solver: str, *words: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "trellis.yaml").write_text(f"default_environment: dev\nplacement: {{solver: {solver}}}\n")
        return run("plan", *words)

    return plan


def test_its_solver_places_a_stack_when_trellis_yaml_names_it(tight, run, another):
    another("thorough", THOROUGH)
    planned = json.loads(tight("thorough", "--json").stdout)
    assert planned["proof"] == "proven by trying everything"
    homes = [step["id"].removeprefix("container:") for step in planned["steps"] if step["kind"] == "container"]
    assert homes == ["atlas-1@left", "atlas-2@left", "novel-1@right", "novel-2@right", "novel-3@right"]
    assert "placement: proven by trying everything\n" in tight("thorough").stdout
    listed = {one["name"]: one for one in json.loads(run("plugins", "--json").stdout)["plugins"]}
    assert listed["thorough"]["solvers"] == ["thorough"]


def test_a_solver_whose_answer_breaks_a_rule_is_refused(tight, another):
    another("careless", CARELESS)
    ended = tight("careless")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "error: the placement solver careless put more on left than fits\n"
        "  at: trellis.yaml: placement.solver\n"
        "  try: report that to its author, and choose solver: constraint\n"
    )


def test_a_solver_that_fails_is_named(tight, another):
    another("careless", CARELESS.replace("return Answer", "raise ValueError('no luck')\n        return Answer"))
    ended = tight("careless")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "error: the placement solver careless failed with ValueError: no luck\n" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_solver_that_nobody_offers_is_an_error_with_those_that_there_are(tight):
    ended = tight("nobodys")
    assert ended.returncode == 2
    assert "error: there is no placement solver nobodys\n" in ended.stderr
    assert "bundled: constraint, cpsat; others come with plugins" in ended.stderr


def test_the_environment_is_not_ours(python):
    program = "import importlib.metadata as m; print([e.name for e in m.entry_points(group='trellis')])"
    ours = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "almanac" not in ours
    assert "almanac" in subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout
