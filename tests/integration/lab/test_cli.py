"""`trellis lab` as it is typed."""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from trellis.errors import UsageError
from trellis_lab.cli import lab as group
from trellis_lab.lab import take_down

Type = Callable[..., Result]


@pytest.fixture
def name(engine) -> Iterator[str]:  # noqa: ARG001 - needed, not read
    chosen = f"lb-{uuid.uuid4().hex[:8]}"
    yield chosen
    with contextlib.suppress(UsageError):  # the test took it down itself
        take_down(chosen)


@pytest.fixture
def type_lab() -> Type:
    def run(*words: str) -> Result:
        result = CliRunner().invoke(group, words)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_a_lab_from_up_to_down(name, type_lab, built_images):
    built_images("trellis-test/echo:1")
    up = type_lab("up", "2", "--name", name, "--memory", "256,512", "--json")
    assert [(host["name"], host["memory"]) for host in json.loads(up.stdout)["hosts"]] == [
        ("h1", 256 << 20),
        ("h2", 512 << 20),
    ]
    assert up.stderr.splitlines()[-2:] == [
        f"lab {name} is up",
        f"for an environment file: trellis lab hosts --name {name}",
    ]
    assert {"name": name, "running": 2} in json.loads(type_lab("list", "--json").stdout)["labs"]
    ran = type_lab("exec", "--name", name, "h1", "--", "sh", "-c", "hostname; echo odd >&2; exit 7")
    assert (ran.stdout, ran.stderr, ran.exit_code) == ("h1\n", "odd\n", 7)
    loaded = type_lab("load", "--name", name, "trellis-test/echo:1")
    assert loaded.stderr == "loading trellis-test/echo:1 into 2 hosts\n"
    for host in ("h1", "h2"):
        listed = type_lab("exec", "--name", name, host, "--", "docker", "images", "-q", "trellis-test/echo:1")
        assert len(listed.stdout.split()) == 1
    type_lab("crash", "h2", "--name", name)
    assert {"name": name, "running": 1} in json.loads(type_lab("list", "--json").stdout)["labs"]
    assert type_lab("reboot", "h2", "--name", name).stderr == "h2 is up\n"
    for words in ("partition", "heal", "freeze", "heal", "slow", "heal"):
        assert type_lab(words, "h1", "--name", name).exit_code == 0
    assert type_lab("down", "--name", name).stderr == f"lab {name} is gone\n"
    assert name not in type_lab("list").stdout
    with pytest.raises(UsageError, match=f"there is no lab {name}"):
        type_lab("down", "--name", name)


def test_the_hosts_of_an_environment_file(name, type_lab):
    type_lab("up", "1", "--name", name)
    printed = YAML(typ="safe").load(type_lab("hosts", "--name", name, "--role", "web", "--role", "database").stdout)
    host = printed["hosts"]["h1"]
    assert host["connect"] == f"ssh://deploy@{host['address']}"
    assert host["roles"] == ["web", "database"]
    assert set(host["options"]) == {"identity_file", "known_hosts"}
    assert json.loads(type_lab("hosts", "--name", name, "--role", "web", "--json").stdout)["hosts"]["h1"]["roles"] == [
        "web"
    ]


@pytest.mark.parametrize(
    "words", [("up", "0"), ("up",), ("up", "x"), ("exec", "h1"), ("crash",), ("load",), ("nonsense",)]
)
def test_what_makes_no_sense_is_a_usage_error(words, type_lab):
    assert type_lab(*words).exit_code == 2


@pytest.mark.parametrize("command", sorted(group.commands))
def test_the_help_of_every_command_has_an_example(command, type_lab):
    assert f"trellis lab {command}" in type_lab(command, "--help").stdout.partition("Example")[2]


def test_sizes_that_are_none(type_lab):
    with pytest.raises(UsageError, match="'1 GiB' is not a list of memory sizes"):
        type_lab("up", "1", "--memory", "1 GiB")
