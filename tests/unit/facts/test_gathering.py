"""The facts script on this machine, compared with what Python itself sees."""

import os
import platform
import shutil
import socket
from pathlib import Path

import pytest

from trellis.errors import TrellisError
from trellis.facts.gathering import gather_facts
from trellis.hosts import Host
from trellis_local.session import LocalSession


@pytest.fixture
def session() -> LocalSession:
    return LocalSession(Host("here"))


async def test_this_machine(session: LocalSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        facts = await gather_facts(session)
        assert ("tcp", server.getsockname()[1]) in facts.listening
    assert facts.cpus is not None
    assert 0 < facts.cpus <= len(os.sched_getaffinity(0))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert facts.memory is not None
    assert 0 < facts.memory <= total
    assert facts.disk is not None
    assert facts.kernel == platform.release()
    assert facts.account.endswith((" root", " sudo", " plain"))
    assert facts.extra["arch"] == platform.machine()
    if shutil.which("ip"):
        assert "lo" in [interface.name for interface in facts.interfaces]


async def test_a_host_without_the_tools_says_so(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "sh"
    tool.write_text("#!/bin/sh\necho 'sh: this is no shell' >&2\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrellisError) as failure:
        await gather_facts(session)
    assert failure.value.what == (
        "the host's facts could not be read: the answer breaks off; its shell said: sh: this is no shell"
    )
    assert failure.value.where == "host here"
