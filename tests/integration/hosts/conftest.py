"""Projects on lab hosts; what a test deploys is destroyed before the next file's tests come."""

import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from trellis_lab import Lab

sys.path.insert(0, str(Path(__file__).parent))  # test folders are not packages

pytest.register_assert_rewrite("echo_stack", "workplace")

from workplace import Workplace  # noqa: E402 - after its asserts are set to explain themselves

MakeWorkplace = Callable[..., Workplace]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> MakeWorkplace:
    """Makes a project of a program's text: `workplace(lab, "echo", text)`; `NAME` in it is the stack's name."""

    def make(lab: Lab, prefix: str, program: str) -> Workplace:
        name = f"{prefix}-{uuid.uuid4().hex[:6]}"
        folder = tmp_path_factory.mktemp(prefix) / "stack"
        (folder / "environments").mkdir(parents=True)
        (folder / "stack.py").write_text(program.replace("NAME", name))
        (folder / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: dev\n")
        return Workplace(folder, lab, name)

    return make
