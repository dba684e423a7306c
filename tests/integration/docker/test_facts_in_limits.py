"""The facts script where processes are limited: the limit is the truth."""

import subprocess
from importlib.resources import files
from typing import Any

import pytest

from trellis.facts.parsing import parse

IMAGE = "debian:bookworm-slim"


@pytest.mark.parametrize("limits", [["--memory", "96m", "--cpus", "0.5"]])
def test_a_container_s_limits_are_its_capacity(api: Any, limits: list[str]) -> None:
    if not api.images(IMAGE):
        pytest.skip(f"the image {IMAGE} is missing (scripts/base-image)")
    script = files("trellis.facts").joinpath("facts.sh").read_text()
    command = ["docker", "run", "--rm", *limits, IMAGE, "sh", "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    facts = parse(ended.stdout)
    assert (facts.cpus, facts.memory) == (0.5, 96 << 20)
    assert (facts.docker, facts.extra["docker_problem"]) == ("", "missing")
