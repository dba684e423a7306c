"""Where an engine is looked for, and what is said when there is none: real sockets in a folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from trellis.errors import NotAuthorisedError, TrellisError
from trellis_local import engine
from trellis_local.engine import find_engine, usual_sockets


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[None]:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    path.parent.mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_unix_server(hang_up, path)
    async with server:
        yield


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Two folders' sockets instead of the usual ones."""
    found = [tmp_path / "a" / "docker.sock", tmp_path / "b" / "docker.sock"]
    monkeypatch.setattr(engine, "usual_sockets", lambda _environ, _uid: tuple(map(str, found)))
    return found


def test_the_usual_sockets() -> None:
    assert usual_sockets({"HOME": "/home/ann"}, 1000) == (
        "/var/run/docker.sock",
        "/run/user/1000/docker.sock",
        "/home/ann/.docker/run/docker.sock",
        "/home/ann/.docker/desktop/docker.sock",
    )
    assert usual_sockets({"XDG_RUNTIME_DIR": "/run/mine"}, 0) == ("/var/run/docker.sock", "/run/mine/docker.sock")


async def test_the_first_that_answers_is_taken(places: list[Path]) -> None:
    async with listening(places[1]):
        assert await find_engine({}) == f"unix://{places[1]}"
        async with listening(places[0]):
            assert await find_engine({}) == f"unix://{places[0]}"


async def test_docker_host_comes_first(places: list[Path], tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.sock"
    async with listening(places[0]), listening(chosen):
        assert await find_engine({"DOCKER_HOST": f"unix://{chosen}"}) == f"unix://{chosen}"
        assert await find_engine({"DOCKER_HOST": "tcp://10.0.0.1:2376"}) == "tcp://10.0.0.1:2376"


async def test_docker_host_over_ssh_is_refused_with_the_way_to_go() -> None:
    with pytest.raises(TrellisError) as refusal:
        await find_engine({"DOCKER_HOST": "ssh://ann@host"})
    assert refusal.value.hint == "unset DOCKER_HOST, or give the host a connect of ssh:// in the environment file"


@pytest.mark.usefixtures("places")
async def test_no_engine_at_all() -> None:
    with pytest.raises(TrellisError, match="there is no Docker Engine") as refusal:
        await find_engine({})
    assert refusal.value.hint == "install it (on Debian or Ubuntu: apt-get install docker.io) or set DOCKER_HOST"


async def test_a_socket_whose_engine_has_ended(places: list[Path]) -> None:
    async with listening(places[0]):
        pass
    with pytest.raises(TrellisError) as refusal:
        await find_engine({})
    assert refusal.value.what == f"{places[0]} is there, and no Docker Engine answers there: connection refused"
    assert refusal.value.hint == "start it: sudo systemctl start docker"


def test_a_refused_account_is_told_how_to_get_in() -> None:
    refusal = engine._refusal("/run/d.sock", PermissionError(13, "Permission denied"), "/run/d.sock is there")
    assert isinstance(refusal, NotAuthorisedError)
    assert refusal.what == "/run/d.sock is there, and this account may not use the Docker Engine at /run/d.sock"
    assert refusal.hint == "sudo usermod -aG docker $(id -un), then log in again"
