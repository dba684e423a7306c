"""The shell completes change-sets, releases, services and roles; the stack is not run for it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from trellis.cli.main import cli

Run = Callable[..., tuple[int, str, str]]


def completed(*words: str) -> list[str]:
    *before, incomplete = words
    found = ShellComplete(cli, {}, "trellis", "_TRELLIS_COMPLETE").get_completions(list(before), incomplete)
    return [item.value for item in found]


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.fixture
def started(project: Path, trellis: Run) -> Path:
    who = ("-c", "user.name=An Operator", "-c", "user.email=operator@example.org")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    for name in ("bump", "banner", "other"):
        assert trellis("change", "start", name)[0] == 0
    for version, name in (("7.2", "bump"), ("7.3", "banner")):
        assert trellis("release", "create", version, "--changes", name)[0] == 0
    return project


def test_change_sets_are_completed(started: Path) -> None:  # noqa: ARG001 - needed, not read
    assert completed("change", "apply", "b") == ["banner", "bump"]
    assert completed("change", "start", "b") == []
    assert completed("release", "create", "7.4", "--changes", "bump,b") == ["bump,banner", "bump,bump"]
    assert completed("set", "--change", "o") == ["other"]
    assert completed("extract", "Website", "--change", "bu") == ["bump"]


def test_releases_are_completed(started: Path) -> None:  # noqa: ARG001 - needed, not read
    assert completed("publish", "7") == ["7.2", "7.3"]
    for command in ("pull", "promote"):
        assert completed(command, "7.3") == ["7.3"]
    assert completed("release", "show", "") == ["7.2", "7.3"]


def test_services_and_roles_are_completed_without_running_the_stack(project: Path) -> None:
    stack = project / "stack.py"
    stack.write_text(stack.read_text() + "\nraise SystemExit(1)\n")
    assert completed("extract", "W") == ["Website"]
    assert completed("extract", "Website", "--to", "") == ["Web"]
    assert completed("plan", "--allow-moves", "Web") == ["Website"]
    stack.write_text("class (")
    assert completed("extract", "W") == []


def test_without_a_project_or_a_repository_nothing_is_completed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed("change", "show", "") == []
    assert project.is_dir()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert completed("change", "show", "") == []
    assert completed("extract", "") == []
