"""Change-sets are made without touching what is checked out."""

from pathlib import Path

import pytest
from shop_repository import Shop, git

from trellis.changes import making
from trellis.changes.making import Sheet
from trellis.changes.reading import read
from trellis.errors import ConfigError, StackError, UsageError


def _state(shop: Shop) -> tuple[str, str, str]:
    return (
        shop.git("rev-parse", "--symbolic-full-name", "HEAD"),
        shop.git("status", "--porcelain"),
        shop.git("diff", "HEAD"),
    )


def test_a_change_set_keeps_what_was_said_about_it(shop: Shop) -> None:
    making.start(
        shop.repository, Sheet("bump", "Website 7.2", "7.2", "Tell the shop.\n\nTwice.", ("storage Back.data",))
    )
    change = read(shop.repository).change("bump")
    assert (change.title, change.version, change.author) == ("Website 7.2", "7.2", "An Operator")
    assert change.accepts == ("storage Back.data",)
    assert shop.repository.text(change.start) == "Tell the shop.\n\nTwice."
    assert change.tip == change.start


def test_the_checkout_the_index_and_head_stay(shop: Shop) -> None:
    (shop.root / "stack.py").write_text((shop.root / "stack.py").read_text() + "# mine\n")
    (shop.root / "new.txt").write_text("new")
    shop.git("add", "new.txt")
    before = _state(shop)
    shop.change("bump", Website__image="shop/website:2")
    making.start(shop.repository, Sheet("edit", "Edit"))
    assert making.commit_edits(shop.repository, "edit", "Mine")
    assert _state(shop) == before
    assert shop.git("show", "change/edit:new.txt") == "new"
    assert shop.git("show", "change/edit:stack.py").endswith("# mine")
    assert making.commit_edits(shop.repository, "edit", "Mine") is None


def test_it_works_on_a_detached_head(shop: Shop) -> None:
    shop.git("checkout", "-q", "--detach")
    shop.change("bump", Website__image="shop/website:2")
    assert shop.git("show", "change/bump:overrides.yaml").endswith("Website.image: shop/website:2")
    assert shop.git("rev-parse", "--symbolic-full-name", "HEAD") == "HEAD"


def test_environments_never_travel_with_a_change(shop: Shop) -> None:
    making.start(shop.repository, Sheet("edit", "Edit"))
    (shop.root / "environments" / "dev.yaml").write_text("config: {Website.workers: 9}\n")
    (shop.root / "more.txt").write_text("more")
    making.commit_edits(shop.repository, "edit", "Mine")
    assert shop.git("diff", "--name-only", "main", "change/edit") == "more.txt"


def test_where_it_is_checked_out_the_edits_are_committed_there(shop: Shop) -> None:
    making.start(shop.repository, Sheet("edit", "Edit"))
    shop.git("switch", "-q", "change/edit")
    (shop.root / "more.txt").write_text("more")
    making.commit_edits(shop.repository, "edit", "Mine")
    assert shop.git("status", "--porcelain") == ""
    assert shop.git("log", "-1", "--format=%s") == "Mine"
    with pytest.raises(UsageError, match="change/edit is checked out"):
        shop.set("edit", Website__image="x:1")


def test_all_attributes_are_set_or_none(shop: Shop) -> None:
    making.start(shop.repository, Sheet("bump", "Bump"))
    tip = read(shop.repository).change("bump").tip
    wrong: dict[str, object | None] = {"Website.image": "shop/website:2", "Website.wrong": 1}
    with pytest.raises(ConfigError, match=r"the stack has no Website.wrong that can be set"):
        making.set_attributes(shop.repository, shop.project, "bump", wrong)
    assert read(shop.repository).change("bump").tip == tip


@pytest.mark.parametrize("name", ["", "-x", "a b", "a..b", "a/b", "x.lock", "a~1", "ü"])
def test_a_name_that_git_could_misread_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a change-set"):
        making.start(shop.repository, Sheet(name, "x"))


def test_a_title_cannot_pass_for_a_trailer(shop: Shop) -> None:
    making.start(shop.repository, Sheet("sly", "Sly\n\nTrellis-Change: other", notes="Trellis-Accepts: all"))
    change = read(shop.repository).change("sly")
    assert set(read(shop.repository).changes) == {"sly"}
    assert change.accepts == ()


def test_a_change_set_that_nobody_runs_can_be_dropped(shop: Shop) -> None:
    shop.change("bump", Website__image="shop/website:2")
    was = making.drop(shop.repository, "bump")
    assert "bump" not in read(shop.repository).changes
    shop.git("branch", "change/bump", was)
    assert "bump" in read(shop.repository).changes


def test_a_program_at_fault_is_told_when_an_attribute_is_set(shop: Shop) -> None:
    shop.edit("broken", "shop = Stack", "shop = Stck")
    with pytest.raises(StackError, match="name 'Stck' is not defined"):
        shop.set("broken", Website__image="shop/website:2")


def test_submodules_are_part_of_a_revision(shop: Shop, tmp_path: Path) -> None:
    other = tmp_path / "parts"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "web.py").write_text('IMAGE = "shop/website:9"\n')
    git(other, "add", "-A")
    git(other, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "-m", "One")
    shop.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "parts")
    stack = shop.root / "stack.py"
    stack.write_text(
        "from parts.web import IMAGE\n" + stack.read_text().replace('image="shop/website:1"', "image=IMAGE")
    )
    shop.git("add", "-A")
    shop.git("commit", "-q", "-m", "Parts")
    from trellis.revisions.blueprints import blueprint_of

    assert blueprint_of(shop.repository, shop.project, "main").service("Website").image == "shop/website:9"
