import sqlite3
from pathlib import Path

import pytest

from trellis.errors import ConfigError, StateError
from trellis.state.database import open_database, state_url
from trellis.state.store import open_store


def test_the_state_is_the_projects_own_file_unless_told_otherwise() -> None:
    assert state_url(Path("/shop")) == "sqlite:////shop/.trellis/state.db"
    assert state_url(Path("/shop"), "sqlite:///var/state.db") == "sqlite:////shop/var/state.db"
    assert state_url(Path("/shop"), "sqlite:////var/lib/state.db") == "sqlite:////var/lib/state.db"
    assert state_url(Path("/shop"), "postgresql://db/trellis") == "postgresql://db/trellis"


def test_the_file_is_private_and_ignored_by_git(tmp_path: Path, url: str) -> None:
    store = open_store(url)
    store.locks()
    folder = tmp_path / ".trellis"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.glob("state.db*"):
        assert file.stat().st_mode & 0o777 == 0o600, file
    assert (folder / ".gitignore").read_text() == "*\n"
    store.close()
    assert sorted(file.name for file in folder.iterdir()) == [".gitignore", "state.db"]


def test_commits_are_durable_and_readers_do_not_wait(url: str) -> None:
    engine = open_database(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StateError) as caught:
        open_store(f"sqlite:///{file}")
    assert str(caught.value) == f"{file}: the state cannot be used: file is not a database"
    assert caught.value.hint == (
        "move the file aside; losing the state loses history only: what runs is always observed"
    )
    assert file.read_bytes().startswith(b"not a database")


def test_a_torn_file_is_an_error_with_the_way_out(tmp_path: Path, url: str) -> None:
    open_store(url).close()
    file = tmp_path / ".trellis" / "state.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StateError, match=r"the state cannot be used: .*malformed") as caught:
        open_store(url)
    assert "move the file aside" in str(caught.value.hint)


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_or_foreign_database_is_left_alone(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "state.db"
    if content is None:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        connection.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(StateError, match="no such table: trellis_schema"):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_newer_database_is_refused(tmp_path: Path, url: str) -> None:
    open_store(url).close()
    with sqlite3.connect(tmp_path / ".trellis" / "state.db") as connection:
        connection.execute("UPDATE trellis_schema SET version = 7")
    connection.close()
    with pytest.raises(StateError) as caught:
        open_store(url)
    assert caught.value.what == "the state was written by a newer Trellis: its version is 7, this Trellis knows 1"
    assert str(caught.value.hint).startswith("upgrade Trellis, or move the state aside")


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://ann:hunter2@db/trellis", "sqlite://", "sqlite:///:memory:", "://hunter2@"]
)
def test_a_url_that_cannot_keep_the_state_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert caught.value.where == "trellis.yaml: state"
    assert caught.value.exit_code == 2
    assert "hunter2" not in str(caught.value)


def test_losing_the_file_loses_history_only(tmp_path: Path, url: str) -> None:
    open_store(url).close()
    (tmp_path / ".trellis" / "state.db").unlink()
    store = open_store(url)
    assert store.history() == ()
    store.close()
