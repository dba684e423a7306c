import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "repositories"))

from shop_repository import Shop, opened_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "key.txt"))
    with opened_shop(tmp_path / "my shop") as made:
        yield made
