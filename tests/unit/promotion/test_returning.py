"""A branch goes back to what its environment was last brought to."""

import os
import tempfile
from pathlib import Path

import pytest
from shop_repository import Shop

from trellis.changes.composing import propose, write
from trellis.changes.reading import read
from trellis.changes.standing import active
from trellis.environments.loading import load_environment
from trellis.errors import PolicyError
from trellis.promotion.applying import begun
from trellis.promotion.returning import returning
from trellis.revisions.applied import content_of, remember
from trellis.revisions.programs import program_of


def apply(shop: Shop, name: str) -> None:
    known = begun(shop.repository, read(shop.repository), load_environment(shop.project, "dev"))
    tip = known.change(name).tip
    write(shop.repository, propose(shop.repository, shop.project, known, "dev", tip, {name: tip}, f"Apply {name}"))


def up(shop: Shop, run: int) -> None:
    program = program_of(shop.project, load_environment(shop.project, "dev"))
    remember(shop.project, "dev", program, content_of(shop.project, program), run, "digest")


def go_back(shop: Shop) -> str:
    with returning(shop.project, "dev", ()) as prepared:
        prepared.write()
        return prepared.summary


def has(shop: Shop) -> set[str]:
    known = read(shop.repository)
    return set(active(known, known.environments["dev"].commit))


def test_it_goes_back_to_the_last_good_revision_and_on_again(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    shop.change("b", Website__memory="1 GiB")
    apply(shop, "a")
    up(shop, 1)
    apply(shop, "b")  # and its `up` failed
    assert go_back(shop) == "went back to what run 1 applied, without b"
    assert has(shop) == {"a"}
    assert "memory" not in shop.git("show", "env/dev:overrides.yaml")
    apply(shop, "b")
    up(shop, 2)
    assert has(shop) == {"a", "b"}
    assert go_back(shop) == "went back to what run 1 applied, without b"


def test_there_may_be_nothing_to_go_back_to(shop: Shop) -> None:
    shop.change("a", Website__image="shop/website:2")
    apply(shop, "a")
    up(shop, 1)
    with pytest.raises(PolicyError, match="no earlier revision that dev was brought to"):
        go_back(shop)


def test_what_the_working_tree_held_exactly_is_recorded(shop: Shop) -> None:
    (shop.root / "notes.txt").write_text("not committed")
    program = program_of(shop.project, load_environment(shop.project, "dev"))
    assert program.dirty == ("notes.txt",)
    assert program.sentence.endswith("with 1 file that is not committed") or "1 file" in program.sentence
    remember(shop.project, "dev", program, content_of(shop.project, program), 7, "digest")
    assert shop.git("show", "refs/trellis/applied/dev:notes.txt") == "not committed"
    assert shop.git("log", "-1", "--format=%s", "refs/trellis/applied/dev") == "dev: run 7 applied the working tree"


def test_edits_that_take_something_away_need_care(shop: Shop) -> None:
    from trellis.promotion.gate import Choice, refuse_careless_edits

    dev = load_environment(shop.project, "dev")
    program = program_of(shop.project, dev)
    remember(shop.project, "dev", program, content_of(shop.project, program), 1, "digest")
    stack = shop.root / "stack.py"
    stack.write_text(stack.read_text().replace('Storage("2 GiB")', 'Storage("1 GiB")'))
    content = content_of(shop.project, program)
    with pytest.raises(PolicyError, match=r"storage Back.data shrinks from 2 GiB") as refused:
        refuse_careless_edits(shop.project, dev, program, content, Choice())
    assert refused.value.hint == '--accept "storage Back.data"'
    refuse_careless_edits(shop.project, dev, program, content, Choice(accepted=("storage Back.data",)))


def test_the_folder_of_a_killed_run_is_removed_by_the_next_one(shop: Shop) -> None:
    left, own = (Path(tempfile.gettempdir()) / f"trellis-program-{pid}-left" for pid in (4194305, os.getpid()))
    for folder in (left, own):
        folder.mkdir()
    shop.change("a", Website__image="shop/website:2")
    assert not left.exists()
    assert own.exists()
    own.rmdir()
