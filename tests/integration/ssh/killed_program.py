"""Opens a session, reaches the engine, starts a command on the host, and is killed.

Arguments: NAME CONNECT IDENTITY KNOWN_HOSTS SECONDS. Prints the socket's path.
"""

import asyncio
import os
import signal
import sys

from trellis.hosts import Host
from trellis_ssh.connector import SshConnector


async def main() -> None:
    name, connect, identity, known_hosts, seconds = sys.argv[1:]
    host = Host(name, connect, options={"identity_file": identity, "known_hosts": known_hosts})
    session = await SshConnector().connect(host)
    print((await session.docker_url()).removeprefix("unix://"), flush=True)  # noqa: T201 - for the test
    command = asyncio.create_task(session.run(["sleep", "4713"], timeout=float(seconds)))
    while (await session.run(["pgrep", "-f", "^sleep 4713$"])).status:  # noqa: ASYNC110 - it starts on another host
        await asyncio.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)
    await command


asyncio.run(main())
