"""The same rules over IPv6, on real kernels' tables: three network namespaces on one bridge stand for three hosts."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trellis.firewall.model import Allowance, Guard, Limit, Ruleset, Target
from trellis_iptables.backend import Iptables
from trellis_nftables.backend import Nftables

PORT = 23306
ADDRESSES = {"server": "fd00:7e::1", "client": "fd00:7e::2", "stranger": "fd00:7e::3"}
RULES = Ruleset(
    (Guard("tcp", PORT, ADDRESSES["server"], "db-1 DB.sql", (Allowance((ADDRESSES["client"],), (), "Web.db"),)),),
    ssh_ports=(22,),
)

MACS = {name: f"02:00:00:00:00:0{number}" for number, name in enumerate(ADDRESSES)}
OUT = Ruleset(
    limits=tuple(
        Limit(f"{name}-1", (MACS[name],), (Target("tcp", port, (network,), f"{name} allows it to {network}"),))
        for name, port, network in (("client", PORT, "fd00:7e::/64"), ("stranger", 0, "fd00:7f::/64"))
    ),
    ssh_ports=(22,),
)

LISTEN = "import socket; s = socket.create_server(('::', {port}), family=socket.AF_INET6); print('up', flush=True)\n"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], {port}), timeout=1.5).close()"


class Spaces:
    """Network namespaces with one IPv6 address each, joined by a bridge in a fourth."""

    def __init__(self) -> None:
        self.prefix = f"fw{uuid.uuid4().hex[:6]}"
        self._ip("netns", "add", self.name("bridge"))
        self.run("bridge", "ip", "link", "add", "br0", "type", "bridge")
        self.run("bridge", "ip", "link", "set", "br0", "up")
        for number, (name, address) in enumerate(ADDRESSES.items()):
            self._ip("netns", "add", self.name(name))
            self._ip(
                "link", "add", f"v{number}", "netns", self.name("bridge"), "type", "veth",
                "peer", "name", "eth0", "netns", self.name(name),
            )  # fmt: skip
            self.run("bridge", "ip", "link", "set", f"v{number}", "master", "br0", "up")
            self.run(name, "ip", "link", "set", "lo", "up")
            self.run(name, "ip", "link", "set", "eth0", "address", MACS[name], "up")
            # Without duplicate address detection the address is there at once.
            self.run(name, "ip", "address", "add", f"{address}/64", "dev", "eth0", "nodad")

    def name(self, space: str) -> str:
        return f"{self.prefix}-{space}"

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def command(self, space: str, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name(space), *words]

    def run(self, space: str, *words: str, check: bool = True) -> int:
        return subprocess.run(self.command(space, *words), check=check, capture_output=True, timeout=20).returncode

    def reaches(self, space: str) -> bool:
        connect = CONNECT.format(port=PORT)
        return self.run(space, sys.executable, "-c", connect, ADDRESSES["server"], check=False) == 0

    def remove(self) -> None:
        for space in ("bridge", *ADDRESSES):
            subprocess.run(["ip", "netns", "del", self.name(space)], check=False, capture_output=True)


@pytest.fixture
def spaces() -> Iterator[Spaces]:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
        pytest.skip("network namespaces need root, ip and nft")
    made = Spaces()
    listen = f"{LISTEN.format(port=PORT)}while True: s.accept()[0].close()"
    server = subprocess.Popen(made.command("server", sys.executable, "-c", listen), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        assert server.stdout.readline() == "up\n"
        yield made
    finally:
        server.kill()
        server.communicate()
        made.remove()


@pytest.mark.parametrize("backend", [Nftables(), Iptables()], ids=lambda one: str(one.name))
def test_over_ipv6_a_guarded_port_is_open_to_its_client_alone(spaces: Spaces, tmp_path: Path, backend: Any) -> None:
    control, rules = tmp_path / "control", tmp_path / "rules"
    control.write_text(backend.control)
    rules.write_text(backend.render(RULES, "six-dev"))
    assert spaces.reaches("client")
    assert spaces.reaches("stranger")
    spaces.run("server", "sh", str(control), "load", "six-dev", str(rules))
    assert spaces.reaches("client")
    assert spaces.reaches("server")  # a host reaches what is on it
    assert not spaces.reaches("stranger")
    spaces.run("server", "sh", str(control), "remove", "six-dev")
    assert spaces.reaches("stranger")


@pytest.mark.parametrize("backend", [Nftables(), Iptables()], ids=lambda one: str(one.name))
def test_over_ipv6_what_is_limited_reaches_the_networks_it_is_let_out_to(
    spaces: Spaces, tmp_path: Path, backend: Any
) -> None:
    control, rules = tmp_path / "control", tmp_path / "rules"
    control.write_text(backend.control)
    rules.write_text(backend.render(OUT, "six-out"))
    spaces.run("server", "sh", str(control), "load", "six-out", str(rules))
    assert spaces.reaches("client")
    assert not spaces.reaches("stranger")
