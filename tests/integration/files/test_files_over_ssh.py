"""Files on a host over ssh: as root by sudo, with and without a password, and as an account with neither."""

import uuid
from pathlib import Path

import pytest

from trellis.errors import ApplyError, TrellisError
from trellis.plans import Verb
from trellis_dsl.secret import Secret
from trellis_ssh.connector import SshConnector

LARGE = bytes(range(256)) * (4 * 4096)


@pytest.fixture
async def on_lab(lab, lab_host, make_host):
    """A lab host's files, as one of its accounts."""
    sessions = []

    async def connect(user, root, data_dir):
        host = make_host(Path(root), Path(data_dir))
        host.session = await SshConnector().connect(lab_host(lab, "h1", user=user))
        sessions.append(host.session)
        return host

    yield connect
    for session in sessions:
        await session.close()


async def output(host, *argv):
    return (await host.session.run(argv, sudo=True)).stdout


@pytest.mark.parametrize("user", ["root", "keeper", "careful"])
async def test_root_by_sudo_writes_and_removes(on_lab, user):
    root, data_dir = (f"/{name}-{uuid.uuid4().hex[:8]}" for name in ("opt/files", "opt/data"))
    host = await on_lab(user, root, data_dir)
    files = (
        host.file("etc/motd", "welcome\n", mode=0o640),
        host.file("etc/key", Secret("planted"), mode=0o600),
        host.file("large", LARGE, owner="plain", group="plain"),
    )
    assert [step.verb for step in await host.up(*files)] == [Verb.CREATE] * 3
    assert await output(host, "cat", f"{root}/etc/motd", f"{root}/etc/key") == "welcome\nplanted"
    assert await output(host, "stat", "-c", "%a %U:%G %s", f"{root}/etc/motd", f"{root}/large") == (
        f"640 root:root 8\n644 plain:plain {len(LARGE)}\n"
    )
    assert await host.up(*files) == []
    await host.up()
    assert await output(host, "find", root, data_dir, "-mindepth", "1") == ""


async def test_an_account_without_root_keeps_its_own_files_and_is_told_about_others(on_lab):
    home = f"/home/plain/{uuid.uuid4().hex[:8]}"
    host = await on_lab("plain", home, f"{home}/.local/share/trellis")
    own = host.file("app.conf", "mine\n")
    assert [step.verb for step in await host.up(own)] == [Verb.CREATE]
    assert await host.up(own) == []
    with pytest.raises(ApplyError, match="Permission denied"):
        await host.up(own, host.file("/etc/motd-of-plain", "x"))
    await host.up()
    assert (await host.session.run(["find", home, "-name", "*conf*"])).stdout == ""


async def test_an_account_without_root_that_needs_it_is_told_so(on_lab):
    host = await on_lab("plain", "/opt/never", "/var/lib/trellis")
    with pytest.raises(TrellisError) as error:
        await host.plan(host.file("motd", "x"))
    assert "sudo" in f"{error.value} {error.value.hint}"
