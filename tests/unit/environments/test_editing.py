from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trellis.environments.editing import add_host, add_role, remove_host, remove_role, set_config, unset_config
from trellis.environments.loading import load_environment
from trellis.environments.project import Project
from trellis.errors import ConfigError, UnknownEnvironmentError
from trellis.hosts import Host
from trellis_dsl.secret import Secret

Writer = Callable[[str, str], Path]

PROD = """\
# The shop in New York.
hosts:
  # the old machine
  ny1: {connect: "ssh://deploy@203.0.113.11", address: 10.0.0.11, roles: [web]}  # rack 4
  # the new machine
  ny2:
    connect: 'ssh://deploy@203.0.113.12'
    roles:
      - web  # public
      - database

# What customers see.
config:
  Website.domain: www.shop.example  # bought in 2019
  # four a core
  Website.workers: 16

# Where the data is.
pins:
  MariaDB: [ny2]
# end
"""


@pytest.fixture
def prod(write: Writer) -> Path:
    return write("prod", PROD)


def test_a_value_is_changed_in_its_place(project: Project, prod: Path) -> None:
    set_config(project, "prod", "Website.domain", "shop.example")
    assert prod.read_text() == PROD.replace("www.shop.example", "shop.example    ")  # the comment keeps its column


def test_a_value_is_added_below_the_others(project: Project, prod: Path) -> None:
    set_config(project, "prod", "Website.debug", value=False)
    assert prod.read_text() == PROD.replace("workers: 16\n", "workers: 16\n  Website.debug: false\n")


def test_a_value_is_removed_alone(project: Project, prod: Path) -> None:
    unset_config(project, "prod", "Website.workers")
    assert prod.read_text() == PROD.replace("  Website.workers: 16\n", "")
    unset_config(project, "prod", "Website.domain")
    assert load_environment(project, "prod").config == {}
    for comment in ("# the old machine", "# What customers see.", "# four a core", "# Where the data is.", "# end"):
        assert comment in prod.read_text()


def test_a_host_is_added_below_the_others(project: Project, prod: Path) -> None:
    add_host(project, "prod", Host("ny3", "ssh://deploy@203.0.113.13", roles=("web",), labels={"rack": "12"}))
    line = "  ny3: {connect: ssh://deploy@203.0.113.13, roles: [web], labels: {rack: '12'}}\n"
    assert prod.read_text() == PROD.replace("      - database\n", "      - database\n" + line)
    assert load_environment(project, "prod").hosts["ny3"] == Host(
        "ny3", "ssh://deploy@203.0.113.13", "203.0.113.13", ("web",), {"rack": "12"}
    )


def test_a_host_is_removed_alone(project: Project, prod: Path) -> None:
    remove_host(project, "prod", "ny1")
    assert prod.read_text() == "".join(line for line in PROD.splitlines(keepends=True) if "  ny1: " not in line)


def test_a_role_is_added_and_removed_without_a_trace(project: Project, prod: Path) -> None:
    assert add_role(project, "prod", "ny2", "cache")
    assert prod.read_text() == PROD.replace("      - database\n", "      - database\n      - cache\n")
    assert remove_role(project, "prod", "ny2", "cache")
    assert prod.read_text() == PROD
    assert add_role(project, "prod", "ny1", "database")
    assert prod.read_text() == PROD.replace("roles: [web]}", "roles: [web, database]}").replace("}  # rack", "} # rack")
    assert remove_role(project, "prod", "ny1", "database")
    assert prod.read_text().split() == PROD.split()  # the comment beside it keeps its new column


def test_what_is_so_already_changes_nothing(project: Project, prod: Path) -> None:
    odd = PROD.replace("hosts:\n", "hosts:   # odd   spacing\n").replace("workers: 16", "workers:    16")
    prod.write_text(odd)
    assert not add_role(project, "prod", "ny1", "web")
    assert not remove_role(project, "prod", "ny1", "database")
    set_config(project, "prod", "Website.workers", 16)
    assert prod.read_text() == odd


def test_true_is_not_one(project: Project, write: Writer) -> None:
    dev = write("dev", "config:\n  A.x: 1\n")
    set_config(project, "dev", "A.x", value=True)
    assert dev.read_text() == "config:\n  A.x: true\n"
    set_config(project, "dev", "A.x", "true")
    assert dev.read_text() == "config:\n  A.x: 'true'\n"


def test_an_empty_file_keeps_its_comments(project: Project, write: Writer) -> None:
    dev = write("dev", "# my laptop\n")
    add_host(project, "dev", Host("here", roles=("web",)))
    set_config(project, "dev", "Website.mirrors", ("a", "b"))
    set_config(project, "dev", "Website.env", {"K": "v"})
    assert dev.read_text() == (
        "# my laptop\n"
        "hosts:\n  here: {connect: local://, roles: [web]}\n"
        "config:\n  Website.mirrors: [a, b]\n  Website.env:\n    K: v\n"
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda p: unset_config(p, "prod", "Website.worker"),
            ": config: Website.worker is not set; did you mean Website.workers?",
        ),
        (lambda p: remove_host(p, "prod", "ny4"), ": hosts: there is no host ny4; did you mean ny2?"),
        (lambda p: remove_host(p, "prod", "ny2"), ": pins.MariaDB[0]: there is no host ny2; did you mean ny1?"),
        (lambda p: add_host(p, "prod", Host("ny1")), ": hosts: there is a host ny1 already"),
        (
            lambda p: add_host(p, "prod", Host("n y")),
            ": hosts.n y: not a name of a host: use letters, digits, - and dots",
        ),
        (lambda p: add_host(p, "prod", Host("n", address="a b")), ": hosts.n.address: not an address"),
        (lambda p: add_role(p, "prod", "ny4", "web"), ": hosts: there is no host ny4; did you mean ny2?"),
        (
            lambda p: add_role(p, "prod", "ny1", "w b"),
            ": hosts.ny1.roles[1]: not a name of a role: use letters, digits, _ and -, a letter first",
        ),
        (lambda p: set_config(p, "prod", "A.x", Secret("hunter2")), ": config.A.x: not a value that a file may hold"),
    ],
)
def test_a_bad_edit_is_refused_and_nothing_written(
    project: Project, prod: Path, edit: Callable[[Project], object], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        edit(project)
    assert str(refused.value) == f"environments/prod.yaml{message}"
    assert prod.read_text() == PROD
    assert [path.name for path in prod.parent.iterdir()] == ["prod.yaml"]


def test_an_unknown_environment_is_not_made(project: Project) -> None:
    with pytest.raises(UnknownEnvironmentError, match=r"^there is no environment dev; there are none$"):
        set_config(project, "dev", "A.x", 1)


def test_the_mode_and_a_link_stay(project: Project, prod: Path) -> None:
    real = project.root / "real.yaml"
    prod.rename(real)
    real.chmod(0o640)
    prod.symlink_to(real)
    set_config(project, "prod", "Website.workers", 8)
    assert prod.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "Website.workers: 8\n" in real.read_text()


def test_other_indentation_and_the_document_marker_stay(project: Project, write: Writer) -> None:
    hosts = "---\nhosts:\n    a:\n        roles:\n            - x\n"
    text = hosts + "config:\n    A.x: 1\n    # about y\n    A.y: 2\n    # tail\n"
    dev = write("dev", text)
    set_config(project, "dev", "A.z", 3)
    assert dev.read_text() == text.replace("    # tail\n", "    A.z: 3\n    # tail\n")
    unset_config(project, "dev", "A.z")
    assert dev.read_text() == text
    unset_config(project, "dev", "A.x")
    assert dev.read_text() == text.replace("    A.x: 1\n", "")


def test_edits_at_the_same_time_are_all_kept(project: Project, write: Writer) -> None:
    write("dev", "# mine\n")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: set_config(project, "dev", f"A.x{number}", number), range(12)))
    assert load_environment(project, "dev").config == {f"A.x{number}": number for number in range(12)}
