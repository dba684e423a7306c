from pathlib import Path

import pytest

from trellis.environments.project import Project, find_project
from trellis.errors import ConfigError


def test_an_empty_file_means_the_defaults(project: Project) -> None:
    assert project == Project(
        root=project.root,
        name="shop",
        stack_file=project.root / "stack.py",
        default_environment=None,
        state_url=f"sqlite:///{project.root}/.trellis/state.db",
        recipients=(),
    )


def test_a_project_is_found_from_a_folder_within(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text(
        "stack: src/shop.py\ndefault_environment: dev\nstate: postgresql://trellis@db/state\n"
        "secrets: {recipients: [age1a, age1b]}\n"
    )
    within = tmp_path / "a" / "b"
    within.mkdir(parents=True)
    found = find_project(within)
    assert found.root == tmp_path
    assert found.stack_file == tmp_path / "src/shop.py"
    assert found.default_environment == "dev"
    assert found.state_url == "postgresql://trellis@db/state"
    assert found.recipients == ("age1a", "age1b")


def test_an_sqlite_file_is_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text("state: sqlite:///kept/state.db\n")
    assert find_project(tmp_path).state_url == f"sqlite:///{tmp_path}/kept/state.db"


def test_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        find_project(tmp_path)
    assert str(refused.value) == f"{tmp_path}: there is no trellis.yaml here or in a folder above"
    assert refused.value.hint == "trellis init"


def test_all_problems_are_listed(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text(
        "stak: a.py\nstack: 3\ndefault_environment: my env\nsecrets: {recipients: x}\n"
    )
    with pytest.raises(ConfigError) as refused:
        find_project(tmp_path)
    assert str(refused.value).splitlines() == [
        "trellis.yaml: stak: unknown key; did you mean stack?",
        "trellis.yaml: stack: must be text: put it in quotes",
        "trellis.yaml: default_environment: not a name: use letters, digits and -",
        "trellis.yaml: secrets.recipients: must be a list",
    ]
