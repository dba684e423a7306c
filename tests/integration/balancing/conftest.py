"""Projects whose sites are visited all the time; shares the driver of the tests of whole hosts."""

import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from trellis_lab import Lab

sys.path.insert(0, str(Path(__file__).parent))  # test folders are not packages
sys.path.insert(0, str(Path(__file__).parents[1] / "hosts"))

from workplace import Workplace


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Workplace]:
    """Makes a project of a program's text: `workplace(lab, "sites", text)`; `NAME` in it is the stack's name."""

    def make(lab: Lab, prefix: str, program: str) -> Workplace:
        name = f"{prefix}-{uuid.uuid4().hex[:6]}"
        folder = tmp_path_factory.mktemp(prefix) / "stack"
        (folder / "environments").mkdir(parents=True)
        (folder / "stack.py").write_text(program.replace("NAME", name))
        (folder / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: dev\n")
        return Workplace(folder, lab, name)

    return make
