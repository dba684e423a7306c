"""Which run is gone back to, and what is said where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis.environments.project import Project, find_project
from trellis.errors import PolicyError, UsageError
from trellis.rollback.choosing import chosen_run, program_again
from trellis.state.programs import KeptProgram
from trellis.state.records import Applied, RunRecord
from trellis.state.store import Store, open_store
from trellis_dsl.secret import Secret


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/.trellis/state.db")
    yield opened
    opened.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "trellis.yaml").touch()
    return find_project(tmp_path)


def run(store: Store, blueprint: str, *, environment: str = "dev", whole: bool = True) -> int:
    number = store.begin(RunRecord(environment, "shop", "trellis up", "ann@desk", blueprint_digest=blueprint))
    if whole:
        store.record_applied(number, Applied("{}", "c", {}))
        files = {"stack.py": blueprint.encode(), "same": b"same"}
        store.programs.keep(KeptProgram(number, blueprint, {"Web.workers": 4}, files=files))
    store.finish(number, "done" if whole else "failed")
    return number


def test_it_is_the_last_run_with_another_program(store: Store) -> None:
    first = run(store, "a")
    run(store, "b")
    run(store, "b")
    run(store, "c", environment="test")
    assert chosen_run(store, "dev", None) == first


def test_after_a_run_that_failed_it_is_the_last_one_that_did_not(store: Store) -> None:
    run(store, "a")
    good = run(store, "b")
    run(store, "c", whole=False)
    assert chosen_run(store, "dev", None) == good


def test_a_named_run_must_be_one_that_was_kept(store: Store) -> None:
    first, other = run(store, "a"), run(store, "b", environment="test")
    assert chosen_run(store, "dev", first) == first
    with pytest.raises(UsageError, match=f"run {other} is none that dev can go back to") as caught:
        chosen_run(store, "dev", other)
    assert caught.value.hint == f"there are runs {first}: trellis rollback --to RUN"


def test_without_an_earlier_program_there_is_nothing_to_go_back_to(store: Store) -> None:
    with pytest.raises(UsageError, match="there is nothing that dev could go back to"):
        chosen_run(store, "dev", None)
    run(store, "a")
    with pytest.raises(UsageError, match="there is nothing that dev could go back to"):
        chosen_run(store, "dev", None)


def test_a_program_comes_back_as_it_was_with_its_config(store: Store, project: Project) -> None:
    first = run(store, "a")
    run(store, "b")
    kept = store.programs.find(first)
    assert kept == KeptProgram(first, "a", {"Web.workers": 4}, files={"stack.py": b"a", "same": b"same"})
    program = program_again(project, kept)
    assert program.stack_file.read_bytes() == b"a"
    assert store.programs.find(99) is None


def test_a_program_that_was_too_much_is_told_so(project: Project) -> None:
    with pytest.raises(PolicyError, match="the program of run 3 was not kept") as caught:
        program_again(project, KeptProgram(3, "a"))
    assert caught.value.exit_code == 5


def test_no_secret_is_kept(store: Store) -> None:
    number = store.begin(RunRecord("dev", "shop", "trellis up", "ann@desk"))
    with pytest.raises(TypeError):
        store.programs.keep(KeptProgram(number, "", {"Web.key": Secret("hunter2")}))
