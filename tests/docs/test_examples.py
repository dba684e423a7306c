"""Every example in the documentation does what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from console import ROOT, Reader
from examples import Example, examples

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if not {"_build", "generated"} & set(page.parts)),
]
EXAMPLES = [example for page in PAGES for example in examples(page)]
# The tutorial needs a Docker Engine: tests/integration/tutorial follows it.
RUN = [
    page
    for page in PAGES
    if page.parent.name != "tutorial" and any(example.language == "console" for example in examples(page))
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    one = Reader(tmp_path)
    yield one
    one.leave()


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed(page: Path, reader: Reader) -> None:
    for example in examples(page):
        if not example.not_run:
            reader.follow(example)


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example.language == "python"], ids=lambda example: example.place
)
def test_a_python_example_is_python(example: Example) -> None:
    compile(example.text, example.place, "exec")


def test_every_block_says_what_it_is() -> None:
    assert [example.place for example in EXAMPLES if not example.language] == []
