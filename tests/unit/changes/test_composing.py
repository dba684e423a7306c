"""Changes come together exactly, or both sides are shown and nothing is touched."""

import pytest
from shop_repository import Shop

from trellis.changes import making, releases
from trellis.changes.composing import brought_by, propose, propose_without, write
from trellis.changes.errors import ConflictError
from trellis.changes.making import Sheet
from trellis.changes.reading import read
from trellis.changes.standing import active
from trellis.environments.loading import load_environment
from trellis.errors import LockedError, UsageError
from trellis.promotion.applying import begun


def apply(shop: Shop, name: str, environment: str = "dev") -> str:
    known = begun(shop.repository, read(shop.repository), load_environment(shop.project, environment))
    tip = known.change(name).tip
    brings = brought_by(known, known.change(name))
    proposal = propose(shop.repository, shop.project, known, environment, tip, brings, f"Apply {name}")
    return write(shop.repository, proposal)


def revert(shop: Shop, name: str, environment: str = "dev") -> str:
    return write(
        shop.repository, propose_without(shop.repository, shop.project, read(shop.repository), environment, name)
    )


def has(shop: Shop, environment: str = "dev") -> set[str]:
    known = read(shop.repository)
    return set(active(known, known.environments[environment].commit))


def overrides(shop: Shop, branch: str = "env/dev") -> str:
    return shop.repository.file(branch, "overrides.yaml") or ""


def test_neighbouring_attributes_are_no_conflict(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__memory="1 GiB")
    shop.change("c", Database__image="shop/db:2")
    for name in "abc":
        apply(shop, name)
    said = sorted(line for line in overrides(shop).splitlines() if not line.startswith("#"))
    assert said == ["Database.image: shop/db:2", "Website.image: shop/website:2", "Website.memory: 1 GiB"]
    assert has(shop) == {"a", "b", "c"}


def test_one_attribute_set_twice_shows_both_sides_and_changes_nothing(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__image="shop/website:3")
    before = apply(shop, "a")
    with pytest.raises(ConflictError, match="it contradicts what dev has; dev is untouched") as refused:
        apply(shop, "b")
    (conflict,) = refused.value.conflicts
    assert (conflict.where, conflict.ours, conflict.theirs) == ("Website.image", "shop/website:2", "shop/website:3")
    assert shop.git("rev-parse", "env/dev") == before


def test_one_attribute_changed_in_two_ways_is_a_conflict_that_git_cannot_see(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.edit("b", 'image="shop/website:1"', 'image="shop/website:3"')
    apply(shop, "a")
    with pytest.raises(ConflictError) as refused:
        apply(shop, "b")
    (conflict,) = refused.value.conflicts
    assert (conflict.where, conflict.ours, conflict.theirs) == ("image Website", "shop/website:2", "shop/website:3")


def test_text_in_conflict_shows_both_sides(shop: Shop) -> None:
    shop.edit("a", 'default(4, "processes")', 'default(8, "processes")')
    shop.edit("b", 'default(4, "processes")', 'default(16, "processes")')
    apply(shop, "a")
    with pytest.raises(ConflictError) as refused:
        apply(shop, "b")
    (conflict,) = refused.value.conflicts
    assert conflict.where == "stack.py"
    assert conflict.ours == '    workers = default(8, "processes")'
    assert conflict.theirs == '    workers = default(16, "processes")'


def test_a_service_that_is_gone_and_still_connected_to_is_a_conflict(shop: Shop) -> None:
    gone = 'connects_to(Database.sql)\n    http = listens(8080)\n    public = site("shop.localhost", http, tls=False)'
    shop.edit(
        "ready",
        "    database = " + gone,
        '    http = listens(8080)\n    public = site("shop.localhost", http, tls=False)',
    )
    last = "    website = runs(Website, one_per_role)\n"
    shop.edit("more", last, last + MORE)
    making.start(shop.repository, Sheet("less", "Less", after=("ready",)))
    shop.git("switch", "-q", "change/less")
    stack = shop.root / "stack.py"
    text = stack.read_text()
    start, end = text.index('@shop.service(image="shop/db:1"'), text.index('@shop.service(image="shop/website:1"')
    stack.write_text(
        text[:start]
        + text[end:].replace(text[text.index("@shop.role\nclass Back") : text.index("@shop.role\nclass Web")], "")
    )
    making.commit_edits(shop.repository, "less", "Remove the database")
    shop.git("switch", "-q", "main")
    before = apply(shop, "more")
    with pytest.raises(ConflictError) as refused:
        apply(shop, "less")
    (conflict,) = refused.value.conflicts
    assert "the merged stack is at fault" in conflict.where
    assert "+ service Report" in conflict.ours
    assert "- service Database" in conflict.theirs
    assert shop.git("rev-parse", "env/dev") == before


MORE = """@shop.service(image="shop/report:1")
class Report(Service):
    database = connects_to(Database.sql)


"""


def test_what_was_taken_back_can_come_again(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__memory="1 GiB")
    apply(shop, "a")
    apply(shop, "b")
    revert(shop, "a")
    assert has(shop) == {"b"}
    assert "image" not in overrides(shop)
    apply(shop, "a")
    assert has(shop) == {"a", "b"}
    assert "Website.image: shop/website:2" in overrides(shop)


def test_a_release_that_builds_on_what_was_taken_back_brings_all_of_it(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    apply(shop, "a", "dev")
    revert(shop, "a", "dev")
    making.start(shop.repository, Sheet("b", "B", after=("a",)))
    shop.set("b", Website__memory="1 GiB")
    release = releases.create(shop.repository, shop.project, "7.2", ["a", "b"])
    known = read(shop.repository)
    proposal = propose(shop.repository, shop.project, known, "dev", release.commit, release.changes, "Pull 7.2")
    write(shop.repository, proposal)
    assert has(shop) == {"a", "b"}
    assert "Website.image: shop/website:2" in overrides(shop)
    assert "Website.memory: 1 GiB" in overrides(shop)


def test_a_release_says_what_it_would_bring_along(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    making.start(shop.repository, Sheet("b", "B", after=("a",)))
    with pytest.raises(UsageError, match="b builds on a, which it would bring along") as refused:
        releases.create(shop.repository, shop.project, "7.2", ["b"])
    assert refused.value.hint == "--changes a,b"


def test_two_operators_at_once_one_of_them_is_told(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__memory="1 GiB")
    apply(shop, "a")
    known = read(shop.repository)
    tip = known.change("b").tip
    first = propose(shop.repository, shop.project, known, "dev", tip, {"b": tip}, "Apply b")
    second = propose(shop.repository, shop.project, known, "dev", tip, {"b": tip}, "Apply b again")
    made = write(shop.repository, first)
    with pytest.raises(LockedError, match="somebody else moved env/dev"):
        write(shop.repository, second)
    assert shop.git("rev-parse", "env/dev") == made


def test_a_branch_that_is_checked_out_is_not_moved_under_it(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__memory="1 GiB")
    apply(shop, "a")
    shop.git("switch", "-q", "env/dev")
    with pytest.raises(UsageError, match="env/dev is checked out"):
        apply(shop, "b")


def test_what_a_change_builds_on_comes_with_it_again(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    apply(shop, "a")
    revert(shop, "a")
    making.start(shop.repository, Sheet("b", "B", after=("a",)))
    shop.set("b", Website__memory="1 GiB")
    apply(shop, "b")
    assert has(shop) == {"a", "b"}
    assert "Website.image: shop/website:2" in overrides(shop)
