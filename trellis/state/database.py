"""Opens the state's database, and turns its faults into errors that say what to do."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateTable

from trellis.errors import ConfigError, StateError
from trellis.state.schema import METADATA, SCHEMA, VERSION

BUSY_TIMEOUT = 10.0  # seconds that a writer waits for another one; a commit takes milliseconds
_LOST = "losing the state loses history only: what runs is always observed"


def state_url(root: Path, configured: str | None = None) -> str:
    """The URL of a project's state: what `trellis.yaml` says, or the project's own SQLite file.

    A relative path in a ``sqlite:///`` URL counts from the project's folder, wherever the command was started.
    """
    url = configured or "sqlite:///.trellis/state.db"
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{root / path}" if url != path else url


def open_database(url: str) -> Engine:
    """An engine on a database whose tables are there and of a known version.

    Raises:
        ConfigError: the URL is not one, or asks for a database that Trellis does not know.
        StateError: it cannot be opened, is corrupted, or belongs to a newer Trellis.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:  # its text repeats the URL, password included
        raise _not_a_url("the state's URL cannot be read") from None
    open_one = _OPENERS.get(parsed.drivername.partition("+")[0])
    if open_one is None:
        raise _not_a_url(f"{parsed.drivername} is not a database that keeps the state")
    with faults(place(parsed)):
        return open_one(parsed)


def place(url: URL) -> str:
    """The database as errors name it: a file's path, or the URL without its password."""
    return url.database or "" if url.drivername.startswith("sqlite") else url.render_as_string(hide_password=True)


@contextmanager
def faults(where: str) -> Iterator[None]:
    """Raise what SQLAlchemy raises as a `StateError`; statements and values stay out of it."""
    try:
        yield
    except DBAPIError as error:
        raise _explained(str(error.orig).strip().partition("\n")[0], where) from error
    except SQLAlchemyError as error:
        raise _explained(str(error).partition("\n")[0], where) from error


def _not_a_url(what: str) -> ConfigError:
    return ConfigError(
        what,
        where="trellis.yaml: state",
        hint="write sqlite:///PATH or postgresql://USER@HOST/DATABASE, or leave it out for .trellis/state.db",
    )


# What SQLite's result codes say (sqlite.org/rescode.html), and what to do about it.
_REMEDIES = (
    ("readonly", "make the file and its folder writable for this account"),
    ("unable to open", "make the folder writable for this account, or set another `state:` in trellis.yaml"),
    ("disk is full", "free some disk space, then run the command again; it goes on from what it finds"),
    ("disk I/O error", "look at the disk (full, failing, or gone), then run the command again"),
    ("locked", "another program keeps the file open for writing; try again"),
    ("malformed", f"move the file aside; {_LOST}"),
    ("not a database", f"move the file aside; {_LOST}"),
    ("no such table", f"move the file aside; {_LOST}"),
    ("no such column", f"move the file aside; {_LOST}"),
)


def _explained(message: str, where: str) -> StateError:
    remedy = next((hint for part, hint in _REMEDIES if part in message), "see whether the database answers")
    return StateError(f"the state cannot be used: {message}", where=where, hint=remedy)


def _open_sqlite(url: URL) -> Engine:

    path = Path(url.database or "")
    if path.name in ("", ":memory:"):
        raise _not_a_url("the state needs a file")
    if not path.exists():
        _create_sqlite(path)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "connect", _durable)
    _check_version(engine)
    return engine


def _durable(connection: SqliteConnection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=FULL")  # in WAL mode NORMAL may lose the last commits (sqlite.org/wal.html)
    connection.execute("PRAGMA foreign_keys=ON")


def _create_sqlite(path: Path) -> None:
    """Make the file beside its place and link it there, so that nobody ever sees half a database."""
    try:
        _private_folder(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600; WAL files inherit it
    except OSError as error:
        raise StateError(
            f"the state cannot be written: {error.strerror}",
            where=str(path),
            hint="make the folder writable for this account, or set another `state:` in trellis.yaml",
        ) from error
    os.close(descriptor)
    try:
        _fill_sqlite(Path(name))
        _link(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def _link(new: Path, path: Path) -> None:
    try:
        path.hardlink_to(new)
    except FileExistsError:
        return  # another process was first, and its file is whole as well


def _private_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # two first runs may be here at once
    if folder.name == ".trellis":
        (folder / ".gitignore").write_text("*\n", encoding="ascii")


def _fill_sqlite(path: Path) -> None:

    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # stays with the file
        _create_tables(connection)
        connection.commit()


def _create_tables(connection: Connection) -> None:

    METADATA.create_all(connection)
    connection.execute(insert(SCHEMA).values(version=VERSION))


def _open_postgresql(url: URL) -> Engine:

    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10},
        )
    except ImportError:
        raise StateError(
            "PostgreSQL needs a driver that is not installed",
            where=place(url),
            hint="pip install 'opencluster-trellis[postgresql]'",
        ) from None
    with engine.begin() as connection:
        # Concurrent CREATE TABLE collides in PostgreSQL's catalog; the number is ours alone ("trellis" in ASCII).
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": 0x7472656C6C6973})
        if not inspect(connection).has_table("trellis_schema"):
            _create_tables(connection)
    _check_version(engine)
    return engine


def _check_version(engine: Engine) -> None:
    with engine.begin() as connection:
        found = connection.scalar(select(func.max(SCHEMA.c.version)))
        if found == VERSION:
            _add_tables(connection)
    if found != VERSION:
        raise StateError(
            f"the state was written by a newer Trellis: its version is {found}, this Trellis knows {VERSION}",
            where=place(engine.url),
            hint=f"upgrade Trellis, or move the state aside; {_LOST}",
        )


def _add_tables(connection: Connection) -> None:
    """Make the tables that this Trellis has and the one that made the database had not."""
    there = set(inspect(connection).get_table_names())
    for table in METADATA.sorted_tables:
        if table.name not in there:
            connection.execute(CreateTable(table, if_not_exists=True))  # somebody else may be here at the same time


_OPENERS: dict[str, Callable[[URL], Engine]] = {
    "sqlite": _open_sqlite,
    "postgresql": _open_postgresql,
    "postgres": _open_postgresql,
}
