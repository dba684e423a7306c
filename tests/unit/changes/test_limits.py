"""What is not committed is put into git by an `up`, up to a limit."""

import os
from pathlib import Path

import pytest
from shop_repository import Shop

from trellis.errors import PolicyError
from trellis.revisions.limits import MOST, refuse_too_large


def sparse(file: Path, size: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.truncate(file, size)


def test_files_that_are_too_much_together_are_named_and_nothing_is_stored(shop: Shop) -> None:
    sparse(shop.root / "dumps" / "monday.sql", MOST // 2)
    sparse(shop.root / "dumps" / "tuesday.sql", MOST // 2 + 1)
    (shop.root / "note").write_text("small\n")
    before = shop.git("count-objects", "-v")
    with pytest.raises(PolicyError) as refused:
        shop.repository.snapshot()
    assert "64 MiB of files here are not committed, and git would keep them for ever: dumps/tuesday.sql" in str(
        refused.value
    )
    assert refused.value.hint == "name them in .gitignore, or commit them"
    assert shop.git("count-objects", "-v") == before


def test_what_git_ignores_and_environments_do_not_count(shop: Shop) -> None:
    (shop.root / ".gitignore").write_text(".trellis/\n__pycache__/\ndumps/\n")
    sparse(shop.root / "dumps" / "monday.sql", MOST + 1)
    sparse(shop.root / "environments" / "backup.tar", MOST + 1)
    assert shop.repository.snapshot()


def test_files_that_were_removed_and_links_are_nothing(tmp_path: Path) -> None:
    sparse(tmp_path / "outside", MOST + 1)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    refuse_too_large(tmp_path / "root", ["link", "gone"])
