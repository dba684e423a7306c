"""What an operator may count on over ssh, on real hosts with every kind of account."""

import asyncio
import os
import time
from pathlib import Path

import docker
import pytest

from trellis.errors import NotAuthorisedError, TimedOutError, TrellisError
from trellis_dsl.secret import Secret

ROOT_BY = ["root", "deploy", "keeper", "careful"]
ENGINE_BY = ["root", "deploy", "keeper", "careful", "builder"]


async def test_arguments_arrive_as_they_were_given(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    awkward = ["", "a b", "it's", '"$HOME"', "$(id)", "*", "ä\n\\", "-n", ";"]
    ended = await session.run(["printf", "%s|", *awkward])
    assert (ended.status, ended.stdout) == (0, "".join(f"{word}|" for word in awkward))


async def test_standard_input_arrives_byte_for_byte_and_large(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    data = os.urandom(3_000_000)
    ended = await session.run(
        ["sh", "-c", "cat >/tmp/data; wc -c </tmp/data; sha256sum </tmp/data; rm /tmp/data"], stdin=data
    )
    import hashlib

    assert ended.stdout.split()[:2] == ["3000000", hashlib.sha256(data).hexdigest()]


async def test_a_failing_command_is_an_answer(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    ended = await session.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (ended.status, ended.stdout, ended.stderr) == (7, "out\n", "err\n")


@pytest.mark.parametrize("user", ROOT_BY)
async def test_sudo_makes_root_of_every_account_that_may(user, connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user=user))
    ended = await session.run(["sh", "-c", 'id -un; cat; echo "$1"', "sh", "x y"], stdin=b"data\n", sudo=True)
    assert (ended.status, ended.stdout, ended.stderr) == (0, "root\ndata\nx y\n", "")
    assert (await session.run(["id", "-un"])).stdout == f"{user}\n"


async def test_the_sudo_password_never_reaches_a_command_or_a_list_of_processes(connect, lab, lab_host):
    host = lab_host(lab, "h1", user="careful")
    session = await connect(host)
    seen = await session.run(["sh", "-c", "cat; ps -eo args"], sudo=True)
    assert host.secrets["sudo_password"].reveal() not in seen.stdout + seen.stderr


async def test_a_password_that_sudo_does_not_ask_for_stays_here(connect, lab, lab_host):
    """An account with NOPASSWD and a password configured all the same: the command must not get the password."""
    host = lab_host(lab, "h1", user="keeper")
    import dataclasses

    session = await connect(dataclasses.replace(host, secrets={"sudo_password": Secret("planted")}))
    assert (await session.run(["cat"], stdin=b"data", sudo=True)).stdout == "data"


async def test_a_wrong_sudo_password_is_said_so(connect, lab, lab_host):
    import dataclasses

    host = dataclasses.replace(lab_host(lab, "h1", user="careful"), secrets={"sudo_password": Secret("wrong")})
    session = await connect(host)
    with pytest.raises(NotAuthorisedError, match="sudo refused the password of careful on h1"):
        await session.run(["true"], sudo=True)


@pytest.mark.parametrize("user", ["plain", "builder"])
async def test_an_account_without_sudo_gets_a_sentence(user, connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user=user))
    with pytest.raises(NotAuthorisedError, match=f"the account {user} on h1 needs a password for sudo"):
        await session.run(["true"], sudo=True)
    assert (await session.run(["true"])).status == 0


@pytest.mark.parametrize("user", ENGINE_BY)
async def test_the_docker_engine_is_reached_by_every_account_that_may(user, connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user=user))
    url = await session.docker_url()
    assert await session.docker_url() == url
    assert await asyncio.to_thread(_engine_name, url) == "h1"
    socket = Path(url.removeprefix("unix://"))
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    await session.close()
    assert not socket.parent.exists()


def _engine_name(url: str) -> str:
    client = docker.DockerClient(base_url=url)
    try:
        return client.info()["Name"]
    finally:
        client.close()


@pytest.mark.parametrize("user", ["deploy", "keeper"])
async def test_streams_of_the_engine_pass_forwarded_and_relayed_sockets(user, connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user=user))

    def load_and_remove(url: str, image: bytes) -> list[str]:
        client = docker.DockerClient(base_url=url)
        try:
            loaded = client.images.load(image)
            client.images.remove("lb-empty:1")
            return [tag for one in loaded for tag in one.tags]
        finally:
            client.close()

    assert await asyncio.to_thread(load_and_remove, await session.docker_url(), _tiny_image()) == ["lb-empty:1"]


def _tiny_image() -> bytes:
    import hashlib
    import io
    import json
    import tarfile

    def archive(files: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()

    layer = archive({"filler": os.urandom(2_000_000)})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["lb-empty:1"], "Layers": ["layer.tar"]}]).encode()
    return archive({"manifest.json": manifest, "c.json": config, "layer.tar": layer})


async def test_an_account_that_may_not_use_the_engine_gets_a_sentence(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user="plain"))
    with pytest.raises(NotAuthorisedError) as caught:
        await session.docker_url()
    assert caught.value.hint
    assert (await session.run(["true"])).status == 0


async def test_connections_start_on_the_host(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    reader, writer = await session.open_connection("127.0.0.1", 22)
    assert (await reader.readline()).startswith(b"SSH-2.0-")
    writer.write(b"SSH-2.0-test\r\n")
    await writer.drain()
    assert await reader.read(10)
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await session.open_connection("127.0.0.1", 9)


async def test_a_late_command_is_ended_on_the_host_too(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    started = time.monotonic()
    with pytest.raises(TimedOutError, match=r"sleep on h1 did not end within 0.5 s"):
        await session.run(["sleep", "4711"], timeout=0.5)
    assert time.monotonic() - started < 5
    assert (await session.run(["pgrep", "-f", "^sleep 4711$"])).status == 1


async def test_more_commands_at_once_than_the_server_has_sessions_for(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user="careful"))
    ended = await asyncio.gather(*(session.run(["echo", str(number)], sudo=number % 2 == 0) for number in range(30)))
    assert [one.stdout.strip() for one in ended] == [str(number) for number in range(30)]


@pytest.mark.parametrize("sessions", [1, 2])
async def test_a_server_that_allows_few_sessions(sessions, connect, new_lab, lab_host):
    lab = new_lab(1)
    limit = f"echo MaxSessions {sessions} >>/etc/ssh/sshd_config.d/trellis-lab.conf && kill -HUP $(cat /run/sshd.pid)"
    lab.execute("h1", "sh", "-c", limit)
    lab.execute("h1", "sh", "-c", f"until sshd -T | grep -qi '^maxsessions {sessions}$'; do sleep 0.05; done")
    session = await connect(lab_host(lab, "h1"))
    ended = await asyncio.gather(*(session.run(["echo", str(number)], sudo=True) for number in range(10)))
    assert [one.stdout.strip() for one in ended] == [str(number) for number in range(10)]


async def test_ten_users_of_a_relayed_engine_at_once(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1", user="keeper"))
    url = await session.docker_url()
    assert await asyncio.gather(*(asyncio.to_thread(_engine_name, url) for _ in range(10))) == ["h1"] * 10


async def test_an_engine_that_went_away_is_a_sentence(connect, new_lab, lab_host):
    lab = new_lab(1, bare=True)
    leave_socket = "use IO::Socket::UNIX; IO::Socket::UNIX->new(Local => '/var/run/docker.sock', Listen => 1)"
    assert lab.execute("h1", "perl", "-e", leave_socket)[0] == 0
    session = await connect(lab_host(lab, "h1", user="root"))
    with pytest.raises(TrellisError, match="the Docker Engine on h1 does not answer"):
        await session.docker_url()


async def test_a_host_without_docker_says_how_to_get_it(connect, new_lab, lab_host):
    lab = new_lab(1, bare=True)
    session = await connect(lab_host(lab, "h1"))
    with pytest.raises(TrellisError, match="there is no Docker Engine on h1") as caught:
        await session.docker_url()
    assert caught.value.hint == "trellis host bootstrap h1"


async def test_closing_twice_is_fine(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    await session.docker_url()
    await session.close()
    await session.close()


async def test_a_command_that_ends_without_reading_what_it_is_given_is_no_lost_host(connect, lab, lab_host):
    session = await connect(lab_host(lab, "h1"))
    for _ in range(3):
        ended = await session.run(["sh", "-c", "echo 'no room' >&2; exit 4"], stdin=b"x" * 300_000)
        assert (ended.status, ended.stderr) == (4, "no room\n")
