"""Getting in: host keys, accounts, certificates, jump hosts, and hosts that do not answer."""

import asyncio
import contextlib
import dataclasses
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis.errors import ConfigError, NotAuthorisedError, UnreachableError
from trellis.hosts import Host
from trellis_ssh.connector import SshConnector, fetch_host_key, trust


async def refused(host: Host) -> NotAuthorisedError:
    with pytest.raises(NotAuthorisedError) as caught:
        await SshConnector().connect(host)
    return caught.value


def real_fingerprint(lab, name: str) -> str:
    command = "ssh-keygen -lf /etc/trellis-lab/host_key"
    return lab.execute(name, "sh", "-c", command)[1].split()[1]


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def sign(key: Path, authority: Path, folder: Path) -> Path:
    """A certificate for the account deploy, away from its key, beside which it would be found without being named."""
    subprocess.run(
        ["ssh-keygen", "-q", "-s", authority, "-I", "ops", "-n", "deploy", "-V", "+5m", f"{key}.pub"], check=True
    )
    folder.mkdir()
    return key.with_name(f"{key.name}-cert.pub").rename(folder / "certificate.pub")


@contextlib.contextmanager
def running_agent(socket: str, key: Path) -> Iterator[None]:
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    try:
        agent.stdout.readline()  # it says where its socket is once it has one
        subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, "SSH_AUTH_SOCK": socket})
        yield
    finally:
        agent.terminate()
        agent.communicate(timeout=10)


async def test_an_unknown_key_is_refused_with_its_fingerprint_and_what_to_run(lab, lab_host, tmp_path):
    error = await refused(lab_host(lab, "h1", known_hosts=str(tmp_path / "none")))
    fingerprint = real_fingerprint(lab, "h1")
    assert error.exit_code == 3
    assert str(error) == f"the host key of h1 (deploy@{lab.host('h1').address}) is not known yet: {fingerprint}"
    assert error.hint
    assert error.hint.endswith(f"trellis host trust h1 --fingerprint {fingerprint}")


async def test_a_key_that_was_compared_is_trusted_from_then_on(lab, lab_host, tmp_path, connect):
    host = lab_host(lab, "h1", known_hosts=str(tmp_path / "known_hosts"))
    key = await fetch_host_key(host)
    assert key.fingerprint == real_fingerprint(lab, "h1")
    assert await trust(host, key.fingerprint) == tmp_path / "known_hosts"
    assert await trust(host, key.fingerprint) == tmp_path / "known_hosts"
    assert (tmp_path / "known_hosts").read_text() == f"{key.line}\n"
    assert (await (await connect(host)).run(["true"])).status == 0


async def test_a_key_is_kept_in_the_project(lab, lab_host, tmp_path, connect, monkeypatch):
    (tmp_path / "trellis.yaml").touch()
    (tmp_path / "parts").mkdir()
    monkeypatch.chdir(tmp_path / "parts")
    host = lab_host(lab, "h1")
    host = dataclasses.replace(host, options={"identity_file": host.options["identity_file"]})
    assert await trust(host, real_fingerprint(lab, "h1")) == tmp_path / ".trellis" / "known_hosts"
    assert (await (await connect(host)).run(["true"])).status == 0


async def test_trust_refuses_another_fingerprint_and_writes_nothing(lab, lab_host, tmp_path):
    host = lab_host(lab, "h1", known_hosts=str(tmp_path / "known_hosts"))
    with pytest.raises(NotAuthorisedError, match="offers another key than you expect"):
        await trust(host, real_fingerprint(lab, "h2"))
    assert not (tmp_path / "known_hosts").exists()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_a_changed_key_is_refused(kind, new_lab, lab_host):
    lab = new_lab(1)
    host = lab_host(lab, "h1")
    known = (await fetch_host_key(host)).fingerprint
    new_key = f"rm $0 && ssh-keygen -q -t {kind} -N '' -f $0"  # read anew for each connection
    lab.execute("h1", "sh", "-c", new_key, "/etc/trellis-lab/host_key")
    await _until(lambda: _fingerprint_is_not(host, known))
    error = await refused(host)
    assert error.exit_code == 3
    assert f"has changed: it is {real_fingerprint(lab, 'h1')}, known is {known}" in str(error)
    with pytest.raises(NotAuthorisedError, match="has changed"):
        await trust(host, real_fingerprint(lab, "h1"))


async def _fingerprint_is_not(host: Host, old: str) -> bool:
    try:
        return (await fetch_host_key(host)).fingerprint != old
    except UnreachableError:
        return False


async def _until(holds) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens on another host
            await asyncio.sleep(0.05)


async def test_a_revoked_key_is_refused(lab, lab_host, tmp_path):
    line = lab.access.known_hosts.read_text().splitlines()[0]
    (tmp_path / "known_hosts").write_text(f"{line}\n@revoked {line}\n")
    assert (await refused(lab_host(lab, "h1", known_hosts=str(tmp_path / "known_hosts")))).exit_code == 3


async def test_a_host_certificate_of_a_known_authority_is_trusted(new_lab, lab_host, tmp_path, connect):
    lab = new_lab(1)
    script = """cd /etc/trellis-lab && ssh-keygen -y -f host_key >host_key.pub &&
        ssh-keygen -q -t ed25519 -N "" -f ca &&
        ssh-keygen -q -s ca -I h1 -h -n "$0" host_key.pub &&
        echo HostCertificate /etc/trellis-lab/host_key-cert.pub >>/etc/ssh/sshd_config.d/trellis-lab.conf &&
        kill -HUP $(cat /run/sshd.pid) && cat ca.pub"""
    address = str(lab.host("h1").address)
    status, authority = lab.execute("h1", "sh", "-c", script, address)
    assert status == 0
    (tmp_path / "known_hosts").write_text(f"@cert-authority {address} {authority}")
    host = lab_host(lab, "h1", known_hosts=str(tmp_path / "known_hosts"))
    await _until(lambda: _answers(host))
    assert (await (await connect(host)).run(["true"])).status == 0


async def _answers(host: Host) -> bool:
    try:
        session = await SshConnector().connect(host)
    except (UnreachableError, NotAuthorisedError):
        return False
    await session.close()
    return True


async def test_an_unknown_key_of_an_account_is_refused_with_a_sentence(lab, lab_host, tmp_path):
    make_key(tmp_path / "other")
    error = await refused(lab_host(lab, "h1", identity_file=str(tmp_path / "other")))
    assert str(error) == f"h1 (deploy@{lab.host('h1').address}) refused the account"


async def test_a_missing_key_file_is_named(lab, lab_host, tmp_path):
    with pytest.raises(ConfigError, match="missing-key"):
        await SshConnector().connect(lab_host(lab, "h1", identity_file=str(tmp_path / "missing-key")))


async def test_a_user_certificate_opens_an_account(lab, lab_host, tmp_path, connect):
    key = tmp_path / "id"
    make_key(key)
    certificate = sign(key, lab.access.user_ca, tmp_path / "elsewhere")
    host = lab_host(lab, "h1", identity_file=str(key), certificate_file=str(certificate))
    assert (await (await connect(host)).run(["id", "-un"])).stdout == "deploy\n"
    assert (await refused(lab_host(lab, "h1", identity_file=str(key)))).exit_code == 3


async def test_an_agent_holds_the_key(lab, lab_host, tmp_path, connect, monkeypatch):
    socket = str(tmp_path / "agent")
    with running_agent(socket, lab.access.identity):
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        host = lab_host(lab, "h1")
        host = dataclasses.replace(host, options={"known_hosts": host.options["known_hosts"]})
        assert (await (await connect(host)).run(["true"])).status == 0


async def test_two_jump_hosts_lead_to_a_host(lab, lab_host, connect):
    jump = ",".join(f"plain@{lab.host(name).address}" for name in ("h1", "h2"))
    session = await connect(lab_host(lab, "h3", jump=jump))
    assert (await session.run(["sh", "-c", "hostname; echo $SSH_CONNECTION"])).stdout.split()[:2] == [
        "h3",
        str(lab.host("h2").address),
    ]
    assert await session.docker_url()


async def test_a_jump_host_must_be_known_too_and_is_trusted_like_a_host(lab, lab_host, tmp_path, connect):
    jump = f"deploy@{lab.host('h1').address}"
    host = lab_host(lab, "h3", jump=jump, known_hosts=str(tmp_path / "known_hosts"))
    assert str(await refused(host)).startswith(f"the host key of the jump host of h3 ({jump}) is not known yet: ")
    for name in ("h1", "h3"):  # the way first, then the host itself
        key = await fetch_host_key(host)
        assert (key.target.address, key.fingerprint) == (str(lab.host(name).address), real_fingerprint(lab, name))
        await trust(host, key.fingerprint)
    assert (await (await connect(host)).run(["true"])).status == 0


async def test_hosts_behind_one_jump_host_share_its_connection(lab, lab_host):
    connector = SshConnector()
    hosts = [lab_host(lab, name, jump=f"plain@{lab.host('h1').address}") for name in ("h2", "h3") * 5]
    sessions = await asyncio.gather(*(connector.connect(host) for host in hosts))
    count = ["pgrep", "-c", "-f", "^sshd: plain$|^sshd: plain@"]
    assert lab.execute("h1", *count)[1] == "1\n"
    await asyncio.gather(*(session.close() for session in sessions[:-1]))
    assert (await sessions[-1].run(["true"])).status == 0
    await sessions[-1].close()
    await _until(lambda: _counts(lab, count, 0))


async def _counts(lab, command: list[str], number: int) -> bool:
    return lab.execute("h1", *command)[1] == f"{number}\n"


async def test_a_key_behind_a_jump_host_can_be_fetched(lab, lab_host):
    host = lab_host(lab, "h3", jump=f"deploy@{lab.host('h1').address}")
    assert (await fetch_host_key(host)).fingerprint == real_fingerprint(lab, "h3")


async def test_nothing_listens(lab, lab_host):
    host = dataclasses.replace(lab_host(lab, "h1"), connect=f"ssh://deploy@{lab.host('h1').address}:23")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        await SshConnector().connect(host)


async def test_something_else_listens(lab, lab_host):
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host = dataclasses.replace(lab_host(lab, "h1"), connect=f"ssh://deploy@127.0.0.1:{port}")
    with pytest.raises(UnreachableError):
        await SshConnector().connect(host)
    server.close()
    await server.wait_closed()


async def test_a_partitioned_host_is_unreachable_within_the_timeout(new_lab, lab_host):
    lab = new_lab(1)
    lab.partition("h1")
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        await SshConnector().connect(lab_host(lab, "h1", timeout="3"))
    assert time.monotonic() - started < 6


async def test_a_hanging_host_is_unreachable_within_the_timeout(new_lab, lab_host):
    lab = new_lab(1)
    lab.freeze("h1")
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer within 2 s"):
        await SshConnector().connect(lab_host(lab, "h1", timeout="2"))
    assert time.monotonic() - started < 5
    lab.heal("h1")


async def test_a_slow_host_is_waited_for(new_lab, lab_host, connect):
    lab = new_lab(1)
    lab.slow("h1", 0.05)
    session = await connect(lab_host(lab, "h1", timeout="60"))
    assert (await session.run(["echo", "slow"])).stdout == "slow\n"


@pytest.mark.parametrize("fault", ["partition", "freeze", "crash"])
async def test_a_host_that_goes_away_in_the_middle_of_a_command(fault, new_lab, lab_host, connect):
    lab = new_lab(1)
    session = await connect(lab_host(lab, "h1"))
    url = await session.docker_url()
    command = asyncio.create_task(session.run(["sleep", "120"], timeout=200))
    await _until(lambda: _runs(lab, "sleep 120"))
    started = time.monotonic()
    await asyncio.to_thread(getattr(lab, fault), "h1")
    with pytest.raises(UnreachableError, match=r"h1 .* stopped answering"):
        await command
    assert time.monotonic() - started < 20
    with pytest.raises(UnreachableError):
        await session.run(["true"])
    with pytest.raises(UnreachableError):
        await session.open_connection("127.0.0.1", 22)
    assert url
    await session.close()
    if fault == "freeze":
        lab.heal("h1")


async def _runs(lab, command: str) -> bool:
    return (await asyncio.to_thread(lab.execute, "h1", "pgrep", "-f", f"^{command}$"))[0] == 0
