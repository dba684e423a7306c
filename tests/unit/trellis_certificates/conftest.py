from datetime import UTC, datetime
from pathlib import Path

import pytest

from trellis.environments.keeping import KeptFile
from trellis.environments.project import Project, find_project

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "shop"
    (root / "environments").mkdir(parents=True)
    (root / "trellis.yaml").write_text("")
    (root / "environments" / "prod.yaml").write_text("")
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "keys" / "shop.txt"))
    return find_project(root)


@pytest.fixture
def keeper(project: Project) -> KeptFile:
    return KeptFile(project, "prod")
