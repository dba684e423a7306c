from collections.abc import Callable
from pathlib import Path

import pytest

from trellis.environments.loading import environment_names, load_environment, parse_environment
from trellis.environments.project import Project
from trellis.errors import ConfigError, UnknownEnvironmentError
from trellis.hosts import Host

Writer = Callable[[str, str], Path]

PROD = """\
pulls_from: test
hosts:
  ny1: {connect: "ssh://deploy@203.0.113.11", address: 10.0.0.11, roles: [web, database], labels: {datacenter: ny}}
  ny2.example: {connect: "ssh://deploy@203.0.113.12:2222", options: {identity_file: keys/deploy}}
  here: {secret_files: {at_boot: true}}
certificates: {issuer: letsencrypt, contact: ops@shop.example}
config:
  Website.domain: www.shop.example
  Website.workers: 16
  Website.mirrors: [a, b]
pins: {MariaDB: [ny1]}
placement: {strategy: spread}
"""


def test_an_environment_is_read_whole(project: Project, write: Writer) -> None:
    write("test", "")
    file = write("prod", PROD)
    prod = load_environment(project, "prod")
    assert (prod.name, prod.file, prod.pulls_from, prod.strategy) == ("prod", file, "test", "spread")
    assert prod.hosts == {
        "ny1": Host("ny1", "ssh://deploy@203.0.113.11", "10.0.0.11", ("web", "database"), {"datacenter": "ny"}),
        "ny2.example": Host(
            "ny2.example", "ssh://deploy@203.0.113.12:2222", "203.0.113.12", options={"identity_file": "keys/deploy"}
        ),
        "here": Host("here", "local://", "127.0.0.1", secrets_at_boot=True),
    }
    assert prod.config == {
        "Website.domain": "www.shop.example",
        "Website.workers": 16,
        "Website.mirrors": ("a", "b"),
    }
    assert prod.pins == {"MariaDB": ("ny1",)}
    assert prod.certificates == {"issuer": "letsencrypt", "contact": "ops@shop.example"}


def test_an_empty_file_is_an_environment_without_hosts(project: Project, write: Writer) -> None:
    write("dev", "")
    dev = load_environment(project, "dev")
    assert (dict(dev.hosts), dict(dev.config), dev.strategy, dev.pulls_from) == ({}, {}, "least-loaded", "")


def test_every_problem_is_listed_in_one_error(project: Project, write: Writer) -> None:
    write(
        "prod",
        """\
host: {}
pulls_from: tset
hosts:
  ny1: {connect: "ssh://a:b@h", address: 203.0.113.999, rolls: [web], labels: {rack: 12}}
  "ny 2": {connect: here, roles: [web, web, "w b"]}
  ñ: 3
config: {Website.since: 2026-01-01, "a b": 1, Website.ratio: .nan, Website.deep: {a: {b: c}}}
pins: {Website: [ny3]}
placement: {strategy: spred}
""",
    )
    with pytest.raises(ConfigError) as refused:
        load_environment(project, "prod")
    shape = "must be text, a number, true or false, a list of texts or a mapping of text to text"
    prod = "environments/prod.yaml"
    assert str(refused.value).splitlines() == [
        f"{prod}: host: unknown key; did you mean hosts?",
        f"{prod}: hosts.ny1.rolls: unknown key; did you mean roles?",
        f"{prod}: hosts.ny1.connect: a password must not stand here: use a key, or trellis secret set",
        f"{prod}: hosts.ny1.address: not an address",
        f"{prod}: hosts.ny1.labels.rack: must be text: put it in quotes",
        f"{prod}: hosts.ny 2: not a name of a host: use letters, digits, - and dots",
        f"{prod}: hosts.ny 2.connect: not a URL like ssh://user@address:22 or local://",
        f"{prod}: hosts.ny 2.roles[1]: web is given twice",
        f"{prod}: hosts.ny 2.roles[2]: not a name of a role: use letters, digits, _ and -, a letter first",
        f"{prod}: hosts.ñ: not a name of a host: use letters, digits, - and dots",
        f"{prod}: hosts.ñ: must be a mapping of keys to values",
        f"{prod}: config.Website.since: {shape}",
        f"{prod}: config.a b: not a key: use letters, digits, _ and -, parts joined by dots, like Website.workers",
        f"{prod}: config.Website.ratio: {shape}",
        f"{prod}: config.Website.deep: {shape}",
        f"{prod}: pins.Website[0]: there is no host ny3; did you mean ny1?",
        f"{prod}: placement.strategy: 'spred' is not one of least-loaded, spread, pack; did you mean spread?",
        f"{prod}: pulls_from: there is no environment tset",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hosts: {}\nhosts: {}\n", "environments/dev.yaml:2: hosts is given twice"),
        ("- a\n", "environments/dev.yaml: must be a mapping of keys to values"),
        ("hosts: {\n", "environments/dev.yaml:2: not YAML: expected the node content, but found '<stream end>'"),
        (
            "hosts: !!python/object/apply:os.system [id]\n",
            "environments/dev.yaml:1: not YAML: could not determine a constructor",
        ),
        (
            "hosts: {a: {secret_files: {at_boot: 1}}}\n",
            "environments/dev.yaml: hosts.a.secret_files.at_boot: must be true or false",
        ),
        ("hosts: {a: {address: nowhere.1}}\n", "environments/dev.yaml: hosts.a.address: not an address"),
        ("config: &a {x: *a}\n", "environments/dev.yaml: config.x"),
        ("pulls_from: dev\n", "environments/dev.yaml: pulls_from: an environment cannot pull from itself"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(project: Project, write: Writer, text: str, message: str) -> None:
    write("dev", text)
    with pytest.raises(ConfigError) as refused:
        load_environment(project, "dev")
    assert str(refused.value).startswith(message)


def test_bytes_that_are_no_text_are_refused(project: Project, write: Writer) -> None:
    write("dev", "").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"^environments/dev.yaml: not UTF-8 text$"):
        load_environment(project, "dev")


def test_an_unknown_environment_names_those_there_are(project: Project, write: Writer) -> None:
    write("dev", "")
    write("prod", "")
    write("prod.secrets", "")
    assert environment_names(project) == ("dev", "prod")
    with pytest.raises(UnknownEnvironmentError) as unknown:
        load_environment(project, "prd")
    assert str(unknown.value) == "there is no environment prd; there are dev, prod"
    assert unknown.value.exit_code == 6


@pytest.mark.parametrize("name", ["../prod", "my env", "prod.secrets", "", "-x", "prød", "prod\n"])
def test_a_name_that_no_environment_may_have_is_refused(project: Project, name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_environment(project, name)
    assert refused.value.what == f"{name!r} is not a name of an environment"
    assert refused.value.hint == "use letters, digits and -"


@pytest.mark.parametrize("gain", ["0", "10", "12.5", "100"])
def test_a_minimum_gain_is_a_share_of_the_fullest_host(project: Project, gain: str) -> None:
    found = parse_environment(project, "prod", f"placement: {{minimum_gain: {gain}}}")
    assert found.minimum_gain == float(gain)
    assert parse_environment(project, "prod", "").minimum_gain is None


@pytest.mark.parametrize("gain", ["-1", "101", "true", "ten", "[1]"])
def test_a_minimum_gain_that_is_none_is_refused(project: Project, gain: str) -> None:
    with pytest.raises(ConfigError, match=r"placement.minimum_gain: must be a number from 0 to 100"):
        parse_environment(project, "prod", f"placement: {{minimum_gain: {gain}}}")


def test_a_minimum_gain_needs_a_strategy_that_evens_out(project: Project) -> None:
    with pytest.raises(ConfigError, match="needs least-loaded"):
        parse_environment(project, "prod", "placement: {strategy: pack, minimum_gain: 1}")


def test_what_clients_of_the_console_may_run_is_listed_by_their_names(project: Project) -> None:
    found = parse_environment(project, "prod", "operations: {operator: [up, status]}")
    assert dict(found.operations) == {"operator": ("up", "status")}
    assert dict(parse_environment(project, "prod", "").operations) == {}
    with pytest.raises(ConfigError, match=r"operations.operator\[0\]: 'destroy' is not one of scan, status, up"):
        parse_environment(project, "prod", "operations: {operator: [destroy]}")
