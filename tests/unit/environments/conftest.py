from collections.abc import Callable
from pathlib import Path

import pytest

from trellis.environments.project import Project, find_project

Writer = Callable[[str, str], Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project named shop, whose identity would be kept beside it."""
    root = tmp_path / "shop"
    (root / "environments").mkdir(parents=True)
    (root / "trellis.yaml").write_text("")
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "keys" / "shop.txt"))
    return find_project(root)


@pytest.fixture
def write(project: Project) -> Writer:
    """Writes an environment's file."""

    def write(name: str, text: str) -> Path:
        path = project.root / "environments" / f"{name}.yaml"
        path.write_text(text)
        return path

    return write
