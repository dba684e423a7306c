"""What one class takes over from another: declared once, given once."""

from pathlib import Path

import pytest

from trellis.environments.model import Environment
from trellis.errors import ConfigError, MissingConfigError, StackError
from trellis.evaluating import evaluate
from trellis.loading import load_stack
from trellis.resolving import resolve
from trellis_dsl.secret import Secret

PROGRAM = """
from trellis import *
shop = Stack("shop")

@shop.service(image="db:1")
class DB(Service):
    password = secret("password of the database")
    pool = default(4, "connections")

@shop.service(image="web:1")
class Web(Service):
    password = uses(DB.password)
    pool = uses(DB.pool, "how many at once")

@shop.service(image="worker:1")
class Worker(Service):
    password = uses(Web.password)
"""


def environment(**config: int) -> Environment:
    given = {key.replace("_", "."): value for key, value in config.items()}
    return Environment("dev", Path("/environments/dev.yaml"), {}, given, {}, "", "", {})


def blueprint_of(folder: Path, program: str):
    (folder / "stack.py").write_text(program)
    return evaluate(load_stack(folder / "stack.py"), folder)


def test_it_has_the_type_the_meaning_and_the_source(tmp_path: Path) -> None:
    specs = {spec.key: spec for spec in blueprint_of(tmp_path, PROGRAM).config}
    assert (specs["Web.password"].type, specs["Web.password"].help) == ("secret", "password of the database")
    assert (specs["Web.pool"].type, specs["Web.pool"].help) == ("int", "how many at once")
    assert specs["Worker.password"].same_as == specs["Web.password"].same_as == "DB.password"


def test_it_is_given_once(tmp_path: Path) -> None:
    blueprint = blueprint_of(tmp_path, PROGRAM)
    config = resolve(blueprint, environment(DB_pool=9), {"DB.password": Secret("s")})
    assert config["Web.password"] == config["Worker.password"] == Secret("s")
    assert config["Web.pool"] == 9


def test_only_the_source_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingConfigError) as refused:
        resolve(blueprint_of(tmp_path, PROGRAM), environment(), {})
    assert refused.value.what == "dev lacks DB.password"
    assert refused.value.hint == "trellis secret set DB.password -e dev"


def test_an_environment_cannot_give_it_another_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve(blueprint_of(tmp_path, PROGRAM), environment(Web_pool=9), {"DB.password": Secret("s")})
    assert str(refused.value) == "environments/dev.yaml: config.Web.pool: Web.pool has the value of DB.pool"
    assert refused.value.hint == "give DB.pool instead"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("password = uses(DB)", "uses needs a config value or a secret of another class"),
        ("password = uses(Elsewhere.key)", "Web.password uses Elsewhere.key, but Elsewhere is not in the stack"),
    ],
)
def test_what_is_no_config_value_of_the_stack_is_refused(tmp_path: Path, line: str, what: str) -> None:
    elsewhere = "class Elsewhere(Service):\n    key = secret()\n\n@shop.service(image='web:1')"
    program = PROGRAM.replace('@shop.service(image="web:1")', elsewhere).replace("password = uses(DB.password)", line)
    with pytest.raises(StackError) as refused:
        blueprint_of(tmp_path, program)
    assert refused.value.what == what
    assert "stack.py" in str(refused.value.where)


def test_the_stack_cannot_set_it(tmp_path: Path) -> None:
    with pytest.raises(StackError) as refused:
        blueprint_of(tmp_path, PROGRAM + "\nshop.set(Web.pool, 5)\n")
    assert refused.value.what == "Web.pool has the value of DB.pool"
