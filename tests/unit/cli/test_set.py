"""`trellis set`, and the change-sets' commands where there is no repository, or no git."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def make_repository(project: Path) -> None:
    for command in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "An Operator"],
        ["config", "user.email", "operator@example.org"],
        ["add", "-A"],
        ["commit", "-q", "-m", "Start"],
    ):
        subprocess.run(["git", *command], cwd=project, check=True)


def test_an_attribute_is_set_in_the_working_tree_and_described(project: Path, trellis: Run) -> None:
    code, _, told = trellis("set", "Website.image", "shop/website:2")
    assert (code, told) == (0, "set Website.image; next: trellis plan\n")
    assert (project / "overrides.yaml").read_text().endswith("Website.image: shop/website:2\n")
    _, shown, _ = trellis("describe")
    assert shown.splitlines()[-2].split() == ["OVERRIDDEN", "VALUE", "INSTEAD", "OF", "WHERE"]
    assert shown.splitlines()[-1].split() == ["Website.image", "shop/website:2", "shop/website:1", "overrides.yaml:2"]
    _, document, _ = trellis("describe", "--json")
    assert json.loads(document)["overrides"] == [
        {"key": "Website.image", "value": "shop/website:2", "instead_of": "shop/website:1"}
    ]
    trellis("set", "--unset", "Website.image")
    assert not (project / "overrides.yaml").exists()


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("Website.memory", "1 GiB", ("services", "needs", "memory", 1 << 30)),
        ("Website.cpu", "2", ("services", "needs", "cpu", 2.0)),
        ("Website.labels.tier", "front", ("services", "labels", 0, ["tier", "front"])),
    ],
)
def test_needs_and_labels_are_set(trellis: Run, key: str, value: str, field: tuple[str, str, object, object]) -> None:
    assert trellis("set", key, value)[0] == 0
    document = json.loads(trellis("describe", "--json")[1])["blueprint"]
    kind, name, place, expected = field
    assert document[kind][0][name][place] == expected


def test_counts_and_defaults_are_set(trellis: Run) -> None:
    assert trellis("set", "Web.website.count", "between(2, 4)")[0] == 0
    assert trellis("set", "Website.workers", "9")[0] == 0
    document = json.loads(trellis("describe", "--json")[1])["blueprint"]
    assert document["roles"][0]["runs"][0]["policy"] == {"low": 2, "high": 4, "counting": "per_role"}
    assert next(item for item in document["config"] if item["key"] == "Website.workers")["default"] == 9


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Website.imag", "x:1"), "the stack has no Website.imag that can be set"),
        (("Website.image", "two words"), "'two words' cannot stand here"),
        (("Website.memory", "lots"), "'lots' is not an amount"),
        (("Web.website.count", "between(4, 2)"), "'between(4, 2)' is not a number of instances"),
        (("Website.password", "x"), "Website.password is a secret, which no program may hold"),
        (("Website.workers", "many"), "Website.workers must be a whole number"),
        (("Website.image",), "a value for Website.image is missing"),
        ((), "nothing is to be set"),
        (("--unset", "Website.image"), "Website.image is not overridden"),
    ],
)
def test_what_cannot_be_set_changes_nothing(project: Path, trellis: Run, arguments: tuple[str, ...], told: str) -> None:
    code, _, error = trellis("set", *arguments)
    assert code == 2
    assert told in error
    assert not (project / "overrides.yaml").exists()


def test_a_file_of_commands_is_done_whole_or_not_at_all(project: Path, trellis: Run, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("# two\nset Website.image shop/website:2\nset Website.memory '1 GiB'\n")
    assert trellis("set", "--file", str(wanted))[0] == 0
    before = (project / "overrides.yaml").read_text()
    wanted.write_text("unset Website.image\nset Website.wrong 1\n")
    assert trellis("set", "--file", str(wanted))[0] == 2
    wanted.write_text("unset Website.image\nremove everything\n")
    code, _, error = trellis("set", "--file", str(wanted))
    assert code == 2
    assert f"{wanted}:2" in error
    assert (project / "overrides.yaml").read_text() == before


def test_a_project_without_a_repository_is_told_how_to_make_one(trellis: Run) -> None:
    for arguments in (("change", "list"), ("release", "list"), ("change", "start", "x"), ("diff", "dev", "dev")):
        code, _, error = trellis(*arguments)
        assert code == 2
        assert "the project is in no git repository" in error
        assert "try: git init" in error


def test_without_git_a_repository_is_a_clear_error(project: Path, tmp_path: Path) -> None:
    make_repository(project)
    ended = subprocess.run(
        [sys.executable, "-c", "from trellis.cli.main import main; main()", "change", "list"],
        cwd=project,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "git is not installed, or not on the PATH" in ended.stderr
    assert "try: install it" in ended.stderr


def test_the_matrix_and_a_change_are_json_too(project: Path, trellis: Run) -> None:
    make_repository(project)
    trellis("change", "start", "bump", "--title", "Website 2", "--version", "2.0", "--notes", "Tell the shop.")
    trellis("set", "Website.image", "shop/website:2", "--change", "bump")
    document = json.loads(trellis("change", "list", "--json")[1])
    assert document["schema_version"] == 1
    (row,) = document["changes"]
    assert (row["name"], row["anywhere"]) == ("bump", False)
    assert row["environments"] == {"dev": {"state": "none", "more": 0}}
    shown = json.loads(trellis("change", "show", "bump", "--json")[1])
    assert shown["differences"] == [
        {"kind": "image", "subject": "Website", "before": "shop/website:1", "after": "shop/website:2"}
    ]
    assert (shown["notes"], shown["version"]) == ("Tell the shop.", "2.0")


def test_a_question_needs_a_terminal_or_yes(project: Path, trellis: Run) -> None:
    make_repository(project)
    trellis("change", "start", "bump")
    trellis("set", "Website.image", "shop/website:2", "--change", "bump")
    code, _, error = trellis("change", "apply", "bump", "-e", "dev")
    assert code == 2
    assert "needs a confirmation: Apply bump to dev?" in error
    assert json.loads(trellis("change", "list", "--json")[1])["changes"][0]["anywhere"] is False
