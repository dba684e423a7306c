"""The reference says what the code says."""

import inspect
import re
import sys
from pathlib import Path

import pytest
from console import ROOT
from examples import examples
from ruamel.yaml import YAML

import trellis
import trellis.errors
from trellis.environments.firewall import KEYS as FIREWALL_KEYS
from trellis.environments.hosts import KEYS as HOST_KEYS
from trellis.environments.loading import KEYS as ENVIRONMENT_KEYS
from trellis.environments.loading import parse_environment
from trellis.environments.project import KEYS as PROJECT_KEYS
from trellis.environments.project import find_project
from trellis.plugin import hookspecs

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

from generated_reference import error_classes, exit_code_page, exit_codes, write_pages  # noqa: E402 - beside conf.py

yaml = YAML(typ="safe")
HOOKS = [hook for name, hook in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("trellis_")]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_says_when_it_fires_and_is_in_the_reference(hook: object) -> None:
    text = inspect.getdoc(hook) or ""
    assert re.search(r"^Fires ", text, re.MULTILINE), "its docstring does not say when it fires"
    page = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")
    assert "automodule:: trellis.plugin.hookspecs\n   :members:" in page


@pytest.mark.parametrize("name", trellis.__all__)
def test_a_word_of_the_vocabulary_is_in_the_reference(name: str) -> None:
    page = (DOCS / "reference" / "vocabulary.md").read_text(encoding="utf-8")
    assert re.search(rf":: trellis\.{name}$", page, re.MULTILINE)
    assert inspect.getdoc(getattr(trellis, name))


def test_every_error_class_is_in_the_table_with_its_code() -> None:
    exported = {getattr(trellis.errors, name) for name in trellis.errors.__all__}
    assert exported <= set(error_classes())
    page = exit_code_page()
    for cls in error_classes():
        assert page.count(f"| `{cls.__name__}` | {cls.exit_code} |") == 1
        assert inspect.getdoc(cls)


def test_the_table_has_every_code_once_and_no_other() -> None:
    assert list(exit_codes()) == sorted({0, 255, *(cls.exit_code for cls in error_classes())})
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", exit_code_page(), re.MULTILINE)] == list(exit_codes())


def test_the_codes_are_those_that_scripts_rely_on() -> None:
    assert list(exit_codes()) == [*range(13), 255]


def example_of(file: str) -> str:
    (found,) = [one.text for one in examples(DOCS / "reference" / "project-files.md") if one.caption == file]
    return found


def test_the_reference_of_environment_files_names_every_key_and_is_a_file_without_faults(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text(example_of("trellis.yaml"), encoding="utf-8")
    project, text = find_project(tmp_path), example_of("environments/prod.yaml")
    environment = parse_environment(project, "prod", text)
    document = yaml.load(text)
    assert set(document) == set(ENVIRONMENT_KEYS)
    assert set(document["hosts"]["ny1"]) == set(HOST_KEYS)
    assert set(document["firewall"]) == set(FIREWALL_KEYS)
    assert environment.hosts["ny1"].capacity.cpu == 4


def test_the_reference_of_the_project_file_names_every_key(tmp_path: Path) -> None:
    (tmp_path / "trellis.yaml").write_text(example_of("trellis.yaml"), encoding="utf-8")
    assert find_project(tmp_path).solver == "cpsat"
    assert set(yaml.load(example_of("trellis.yaml"))) == set(PROJECT_KEYS)


def test_pages_are_written_only_when_they_change(tmp_path: Path) -> None:
    write_pages(tmp_path)
    before = {page: page.stat().st_mtime_ns for page in tmp_path.iterdir()}
    write_pages(tmp_path)
    assert before
    assert {page: page.stat().st_mtime_ns for page in tmp_path.iterdir()} == before


def test_decisions_are_numbered_without_gaps() -> None:
    pages = sorted((DOCS / "explanation" / "decisions").glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    assert all(page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}. ") for page in pages)


def test_every_page_is_in_the_index_once() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    named = [line for line in index if line.startswith(("how-to/", "reference/", "explanation/"))]
    pages = [page for folder in ("how-to", "reference", "explanation") for page in (DOCS / folder).glob("*.md")]
    assert sorted(named) == sorted(
        [*(page.relative_to(DOCS).with_suffix("").as_posix() for page in pages), "explanation/decisions/index"]
    )
