"""The tutorial can be followed as it is written."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "docs"))  # test folders are no packages; the reader of pages is there

from console import Reader  # noqa: E402 - found by the line above
from examples import examples  # noqa: E402 - likewise


@pytest.fixture
def reader(built_images: Callable[..., None], tmp_path: Path) -> Iterator[Reader]:
    built_images("trellis-test/echo:1")  # and with it the base image, where no registry has it
    one = Reader(tmp_path)
    yield one
    one.leave()


def test_a_site_on_this_machine(reader: Reader) -> None:
    for example in examples(ROOT / "docs/tutorial/1-one-machine.md"):
        reader.follow(example)
