"""What a stack's author is told, and that evaluation is the same every time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trellis.blueprint import Blueprint
from trellis.errors import StackError
from trellis.evaluating import evaluate
from trellis.loading import load_stack
from trellis.placing.model import Counting, InstancePolicy, Needs

HEAD = """
from trellis import *
shop = Stack("shop")
"""
TWO = (
    HEAD
    + """
@shop.service(image="db:1")
class DB(Service):
    sql = listens(3306)

@shop.service(image="web:1", cpu=0.5, memory="1 GiB")
class Web(Service):
    workers = default(4, "processes")
    db = connects_to(DB.sql)
    http = listens(8080, health="/healthz")

@shop.role
class Front(Role):
    web = runs(Web, at_least(2).per_host)
    db = runs(DB, one_per_role)
"""
)


def evaluated(folder: Path, program: str) -> Blueprint:
    (folder / "stack.py").write_text(program)
    return evaluate(load_stack(folder / "stack.py"), folder)


def refusal(folder: Path, program: str) -> StackError:
    with pytest.raises(StackError) as caught:
        evaluated(folder, program)
    return caught.value


def test_a_stack_becomes_its_blueprint(tmp_path: Path) -> None:
    blueprint = evaluated(tmp_path, TWO)
    web = blueprint.service("Web")
    assert [service.name for service in blueprint.services] == ["DB", "Web"]
    assert web.needs == Needs(0.5, 1 << 30)
    assert (web.connections[0].service, web.connections[0].endpoint) == ("DB", "sql")
    assert web.health is not None
    assert (web.health.kind, web.health.path) == ("http", "/healthz")
    assert blueprint.role("Front").runs[1].policy == InstancePolicy(2, None, Counting.PER_HOST)
    assert [(item.key, item.default) for item in blueprint.config] == [("Web.workers", 4)]


def test_a_service_that_listens_is_healthy_when_it_accepts(tmp_path: Path) -> None:
    health = evaluated(tmp_path, TWO).service("DB").health
    assert health is not None
    assert (health.kind, health.endpoint) == ("tcp", "sql")


def test_the_digest_is_the_same_for_every_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "stack.py").write_text(TWO)
    program = (
        "import sys; from pathlib import Path; from trellis.evaluating import evaluate;"
        "from trellis.loading import load_stack; p = Path(sys.argv[1]);"
        "print(evaluate(load_stack(p / 'stack.py'), p).digest)"
    )
    digests = set()
    for seed in ("0", "1", "4242"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program, str(tmp_path)]
        digests.add(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert len(digests) == 1


def test_a_line_that_moves_changes_no_digest(tmp_path: Path) -> None:
    assert evaluated(tmp_path, TWO).digest == evaluated(tmp_path, "\n\n" + TWO).digest


def test_a_subclass_overrides_by_attribute_name(tmp_path: Path) -> None:
    program = (
        TWO + '\n@shop.service(image="web:2")\nclass Fast(Web):\n    workers = default(8)\n    http = listens(9090)\n'
    )
    fast = evaluated(tmp_path, program).service("Fast")
    assert fast.needs == Needs(0.5, 1 << 30)  # inherited
    assert [endpoint.port for endpoint in fast.endpoints] == [9090]


def test_classes_made_in_a_loop_take_their_names_from_the_decorator(tmp_path: Path) -> None:
    program = HEAD + (
        'for name in ("Blog", "Wiki"):\n'
        '    @shop.service(image="x:1", name=name)\n    class Made(Service):\n        pass\n'
    )
    assert [service.name for service in evaluated(tmp_path, program).services] == ["Blog", "Wiki"]


def test_several_files_are_one_stack(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/web.py").write_text(
        "from trellis import Service, listens\nclass Web(Service):\n    http = listens(80)\n"
    )
    program = HEAD + 'from parts.web import Web\nshop.service(image="web:1")(Web)\n'
    assert evaluated(tmp_path, program).service("Web").endpoint("http").port == 80


@pytest.mark.parametrize(
    ("program", "what", "line"),
    [
        (HEAD + "def broken(:\n", "syntax error: invalid syntax", 4),
        (HEAD + "import nowhere_to_be_found\n", "ModuleNotFoundError: No module named 'nowhere_to_be_found'", 4),
        (TWO + "\nconnects_to(DB.sqll)\n", "AttributeError: type object 'DB' has no attribute 'sqll'", 20),
        (TWO + "\nconnects_to(DB)\n", "connects_to needs an endpoint, not DB", 20),
        (TWO + "\nlistens(99999)\n", "99999 is not a port", 20),
        (TWO + "\n@shop.role\nclass StagingWeb(Role): pass\n", "role 'StagingWeb' is named after an environment", 20),
        (TWO + '\n@shop.service(image="x:1")\nclass Wébsite(Service): pass\n', "'Wébsite' cannot be a name", 20),
        (
            TWO + '\n@shop.service(image="x:1")\nclass web(Service): pass\n',
            "web is declared twice, also at stack.py:9",
            20,
        ),
        (TWO + "\n@shop.service()\nclass Bare(Service): pass\n", "Bare has no image", 20),
        (TWO + '\nStack("My Shop")\n', "'My Shop' cannot be a stack's name", 20),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, program: str, what: str, line: int) -> None:
    error = refusal(tmp_path, program)
    assert error.what.startswith(what)
    assert str(error.where).startswith(f"stack.py:{line}")


@pytest.mark.parametrize(
    ("said", "what", "hint"),
    [
        ('imag="x:1"', "a service has no argument imag; did you mean image?", None),
        ("image=5", "image is 5, not text", None),
        ('memory="64Mb"', "memory: '64Mb' is not an amount", 'write it as "1 GiB"'),
        ('image="a b"', "image: 'a b' is not the name of an image", 'write it as "mariadb:10.11"'),
        ("memory=[1]", "memory is [1], not text or a whole number", None),
        ('cpu="much"', "cpu: 'much' is not a number of cores", 'write 0.5 or "500m"'),
        ('command="nginx -t"', "command is 'nginx -t', not a list of texts", None),
        ("command=[1]", "command is [1], not a list of texts", None),
        ('relocatable="yes"', "relocatable is 'yes', not True or False or 'coordinated'", None),
        ("priority=True", "priority is True, not a whole number", None),
        ("stop_grace=-1", "stop_grace: -1 is less than nothing", "seconds are 0 or more"),
        ('labels={"a": 1}', "labels is {'a': 1}, not a mapping", None),
        ('health="/"', "health is '/', not Health", None),
    ],
)
def test_an_argument_that_cannot_be_meant_is_named(tmp_path: Path, said: str, what: str, hint: str | None) -> None:
    error = refusal(tmp_path, f"{HEAD}\n@shop.service({said})\nclass Web(Service): pass\n")
    assert (error.what, str(error.where), error.hint) == (what, "stack.py:5", hint)


def test_what_a_role_and_a_storage_reserve_is_named_likewise(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEAD + "\n@shop.role(reserve_memory='much')\nclass Web(Role): pass\n")
    assert (error.what, str(error.where)) == ("reserve_memory: 'much' is not an amount", "stack.py:5")
    error = refusal(tmp_path, HEAD + "\nStorage('much')\n")
    assert (error.what, str(error.where)) == ("size: 'much' is not an amount", "stack.py:5")


@pytest.mark.parametrize(
    ("count", "what"),
    [
        ("at_least(-1)", "-1 is not a number of instances"),
        ("exactly(1.5)", "n is 1.5, not a whole number"),
        ("between(4, 2)", "4 to 2 is no range: the first number is the smaller one"),
    ],
)
def test_a_number_of_instances_that_is_none_is_refused(tmp_path: Path, count: str, what: str) -> None:
    assert refusal(tmp_path, f"{TWO}\n{count}\n").what == what


def test_services_that_wait_for_each_other_are_named(tmp_path: Path) -> None:
    program = TWO + "\nDB.back = connects_to(Web.http)\nDB.back.__set_name__(DB, 'back')\n"
    program = program.replace("DB.back.__set_name__(DB, 'back')", "vars(DB)['back'].__set_name__(DB, 'back')")
    assert "need each other to start first" in refusal(tmp_path, program).what


def test_a_later_connection_may_close_a_circle(tmp_path: Path) -> None:
    program = TWO.replace("    sql = listens(3306)\n", "    sql = listens(3306)\n    back = connects_to()\n")
    blueprint = evaluated(tmp_path, program + "\nshop.connect(DB.back, Web.http)\n")
    assert [(item.name, item.ordered) for item in blueprint.service("DB").connections] == [("back", False)]


def test_a_thousand_services_are_evaluated(tmp_path: Path) -> None:
    program = HEAD + (
        "for n in range(1000):\n"
        '    @shop.service(image="x:1", name=f"S{n}")\n    class Made(Service):\n        http = listens(8080)\n'
    )
    assert len(evaluated(tmp_path, program).services) == 1000
