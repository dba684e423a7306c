"""Main is brought to where it is in another repository: forwards, or not at all."""

from pathlib import Path

import pytest
from shop_repository import Shop, git

from trellis.changes.syncing import sync_main
from trellis.errors import PolicyError, TrellisError, UsageError


@pytest.fixture
def prod(shop: Shop, tmp_path: Path) -> Path:
    """Prod's repository, one commit ahead of this one."""
    place = tmp_path / "prods shop"
    git(tmp_path, "clone", "-q", str(shop.root), str(place))
    for key, value in (("user.name", "Another"), ("user.email", "another@example.org")):
        git(place, "config", key, value)
    commit(place, "hotfix", "1\n")
    return place


def commit(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", f"Add {name}")
    return git(folder, "rev-parse", "main")


def test_both_are_one_commit_afterwards_and_the_checkout_follows(shop: Shop, prod: Path) -> None:
    (shop.root / "notes").write_text("not committed\n")
    shop.change("bump", Website__image="shop/website:2")
    others = shop.git("rev-parse", "change/bump")
    was, there = shop.git("rev-parse", "main"), git(prod, "rev-parse", "main")
    done = sync_main(shop.repository, str(prod))
    assert (done.branch, done.was, done.commit, done.moved) == ("main", was, there, True)
    assert shop.git("rev-parse", "main", "HEAD").split() == [there, there]
    assert (shop.root / "hotfix").read_text() == "1\n"
    assert (shop.root / "notes").read_text() == "not committed\n"
    assert shop.git("rev-parse", "change/bump") == others
    assert not sync_main(shop.repository, str(prod)).moved


def test_main_that_is_not_checked_out_moves_alone(shop: Shop, prod: Path, tmp_path: Path) -> None:
    shop.git("switch", "-q", "--detach")
    git(prod, "bundle", "create", "-q", str(tmp_path / "main.bundle"), "main")
    done = sync_main(shop.repository, str(tmp_path / "main.bundle"))
    assert shop.git("rev-parse", "main") == done.commit == git(prod, "rev-parse", "main")
    assert shop.git("rev-parse", "HEAD") == done.was
    assert not (shop.root / "hotfix").exists()


def test_what_has_parted_is_told_and_not_moved(shop: Shop, prod: Path) -> None:
    own = commit(shop.root, "own", "1\n")
    with pytest.raises(
        PolicyError, match=r"the two have parted: main here has 1 commit that .* lacks, and lacks 1 commit"
    ):
        sync_main(shop.repository, str(prod))
    assert shop.git("rev-parse", "main") == own
    shop.git("reset", "-q", "--hard", git(prod, "rev-parse", "main"))
    further = commit(shop.root, "further", "1\n")
    with pytest.raises(PolicyError, match=r"main here has 1 commit that .* lacks, which has nothing new"):
        sync_main(shop.repository, str(prod))
    assert shop.git("rev-parse", "main") == further


def test_edits_that_are_in_the_way_are_kept(shop: Shop, prod: Path) -> None:
    was = shop.git("rev-parse", "main")
    (shop.root / "hotfix").write_text("mine\n")
    with pytest.raises(TrellisError, match="would be overwritten"):
        sync_main(shop.repository, str(prod))
    assert shop.git("rev-parse", "main") == was
    assert (shop.root / "hotfix").read_text() == "mine\n"


@pytest.mark.parametrize("source", ["--upload-pack=touch /tmp/x", "ext::sh -c true", ""])
def test_what_git_could_take_for_a_command_is_refused(shop: Shop, source: str) -> None:
    with pytest.raises(UsageError, match="not a URL that git may fetch from"):
        sync_main(shop.repository, source)


def test_where_there_is_no_main_nothing_moves(shop: Shop, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "empty")
    was = shop.git("rev-parse", "main")
    with pytest.raises(TrellisError, match="couldn't find remote ref refs/heads/main"):
        sync_main(shop.repository, str(tmp_path / "empty"))
    assert shop.git("rev-parse", "main") == was
