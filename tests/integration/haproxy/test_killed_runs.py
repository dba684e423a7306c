"""A run that is killed (-9) before any of its actions: the site goes on answering, and the next run converges."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from trellis.values import masked

KILLED_RUN = Path(__file__).parent / "killed_run.py"
MOST_ACTIONS = 30


async def killed_before(action, host, desired):
    """Whether a run was killed before that action; False when it has fewer and came to its end."""
    told = {"stack": host.stack, "data_dir": str(host.data_dir), "spec": masked(desired.spec)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, KILLED_RUN, str(action), stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(json.dumps(told).encode())
    assert process.returncode in {-signal.SIGKILL, 0}
    return process.returncode != 0


async def test_a_run_killed_before_any_action_converges(running, backends, site):
    for action in range(1, MOST_ACTIONS):
        backend = backends[action % 2]
        desired = running.desired(site("shop.example", backend.answers))
        killed = await killed_before(action, running, desired)
        status, _ = running.get("shop.example")
        assert status == 200, action
        step = await running.up(desired)
        assert step is None or not step.drift, action
        assert running.get("shop.example") == (200, f"{backend.name} /"), action
        assert (await running.plan(desired)).reason == "already equal", action
        assert sorted(path.name for path in running.file.parent.glob("*.cfg")) == ["existing.cfg", "haproxy.cfg"], (
            action
        )
        if not killed:
            break
    assert action >= 12, "the run has fewer actions than it should"
    assert not killed, "the run has more actions than the test kills"
