"""The types of the vocabulary: a good stack passes the strict checker, and each planted mistake is reported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOOD = (ROOT / "stacks/shop/stack.py").read_text()

MISTAKES = {
    "a config value of the wrong type": ('shop.set(Website.workers, "16")', "misc"),
    "a misspelt attribute": ("shop.set(Website.workrs, 16)", "attr-defined"),
    "a connection to a storage": ("connects_to(Database.data)", "arg-type"),
    "the wrong type returned": ("def name(website: Website) -> str:\n    return website.workers", "return-value"),
    "a role where a service is due": ("runs(Database, one_per_role)", "type-var"),
}


def checked(folder: Path, program: str) -> str:
    (folder / "stack.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", str(folder), "stack.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=120).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typing")


def test_a_good_stack_passes(folder: Path) -> None:
    assert checked(folder, GOOD) == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported(folder: Path, mistake: str) -> None:
    line, code = MISTAKES[mistake]
    report = checked(folder, f"{GOOD}\n{line}\n")
    assert f"[{code}]" in report
    assert report.count("error:") == 1


def test_pyright_accepts_the_good_stack_and_reports_each_mistake(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    for number, (line, _) in enumerate(MISTAKES.values()):
        (tmp_path / f"mistake{number}.py").write_text(f"{GOOD}\n{line}\n")
    command = [str(Path(sys.executable).with_name("pyright")), "--outputjson", "--pythonpath", sys.executable, "."]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120)
    found = json.loads(ended.stdout)["generalDiagnostics"]
    errors = [Path(one["file"]).stem for one in found if one["severity"] == "error"]
    assert sorted(errors) == [f"mistake{number}" for number in range(len(MISTAKES))], ended.stdout
