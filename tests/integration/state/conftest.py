import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("holder_program.py")


class HolderProcess:
    """A process that holds a lock, or tried to."""

    def __init__(self, url: str, ttl: float, wait: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), url, str(ttl), str(wait)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def reads(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def told(self, command: str) -> str:
        """Its answer to a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.reads()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def hold() -> Iterator[Callable[..., HolderProcess]]:
    started: list[HolderProcess] = []

    def start(url: str, ttl: float = 30.0, wait: float = 0.0) -> HolderProcess:
        started.append(HolderProcess(url, ttl, wait))
        return started[-1]

    yield start
    for holder in started:
        holder.end()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/.trellis/state.db"


def need(present: object, part: str) -> None:
    """Skip a test whose real part is missing; with CI=true that is a failure."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing")


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own in a folder, on a Unix socket only; its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    need(found, "PostgreSQL (Debian's package postgresql)")
    tools = found[-1].parent
    account = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    if account:
        _give_to(folder, "postgres")
    data = str(folder / "data")
    subprocess.run(
        [tools / "initdb", "-D", data, "-A", "trust", "-U", "trellis", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **account,
    )
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=on"
    subprocess.run(
        [tools / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **account,
    )
    try:
        yield f"postgresql://trellis@/postgres?host={folder}"
    finally:
        subprocess.run(
            [tools / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **account,
        )


def _give_to(folder: Path, account: str) -> None:
    shutil.chown(folder, account, account)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    need(find_spec("psycopg"), "psycopg (the extra `postgresql`)")
    folder = Path(tempfile.mkdtemp(prefix="trellis-pg-"))  # a short path: a socket's may have 107 characters
    try:
        with postgresql_server(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)
