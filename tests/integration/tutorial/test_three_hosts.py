"""The tutorial's page on three hosts, followed as it is written."""

import contextlib
import sys
from pathlib import Path

import pytest

from trellis.errors import UsageError
from trellis_lab.lab import take_down

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from console import ROOT, Reader
from examples import examples

PAGE = ROOT / "docs" / "tutorial" / "2-three-hosts.md"
LAB = "hello-lab"


@pytest.fixture
def reader(engine, built_images, tmp_path):  # noqa: ARG001 - needed, not read
    built_images("trellis-test/echo:1")  # and with it the base image
    with contextlib.suppress(UsageError):
        take_down(LAB)  # of a run that was killed
    yield Reader(tmp_path)
    with contextlib.suppress(UsageError):
        take_down(LAB)


def test_the_page_can_be_followed(reader):
    for example in examples(PAGE):
        reader.follow(example)
