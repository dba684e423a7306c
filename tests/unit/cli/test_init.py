from pathlib import Path

import pytest
from click.testing import CliRunner

from trellis.cli.init import project_files, stack_name
from trellis.cli.main import cli
from trellis.environments.loading import load_environment
from trellis.environments.project import find_project
from trellis.errors import UsageError


def test_a_new_project_can_be_read(tmp_path: Path) -> None:
    ended = CliRunner().invoke(cli, ["init", str(tmp_path / "My Shop")], catch_exceptions=False)
    assert ended.exit_code == 0
    project = find_project(tmp_path / "My Shop")
    assert project.default_environment == "dev"
    assert load_environment(project, "dev").hosts["here"].roles == ("Web",)
    assert 'Stack("my-shop")' in project.stack_file.read_text()
    assert ".trellis/" in (project.root / ".gitignore").read_text()


def test_the_stack_of_a_new_project_declares_what_its_environment_names() -> None:
    names: dict[str, object] = {"__name__": "stack"}
    exec(compile(project_files("shop")["stack.py"], "stack.py", "exec"), names)  # noqa: S102 - our own template
    assert {role.__name__ for role in names["stack"].roles} == {"Web"}  # type: ignore[attr-defined]


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text("mine")
    with pytest.raises(UsageError, match="yaml is there already; nothing was written"):
        CliRunner().invoke(cli, ["init", str(tmp_path)], catch_exceptions=False)
    assert [path.name for path in tmp_path.iterdir()] == ["trellis.yaml"]
    assert (tmp_path / "trellis.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("folder", "name"), [("My Shop", "my-shop"), ("2nd_try", "nd-try"), ("42", "my-stack"), ("x" * 60, "x" * 40)]
)
def test_a_stacks_name_follows_from_the_folders(folder: str, name: str) -> None:
    assert stack_name(folder) == name
