"""The facts script's output as facts."""

import pytest

from trellis.facts.parsing import parse, version_in
from trellis.hosts import HostFacts, Interface

WHOLE = """\
cpus 8
uid 1000
user deploy
groups deploy docker
home /home/deploy
sudo yes
memory_kib 16384
memory_available_kib 9000
kernel 6.1.0-18-amd64
arch x86_64
hostname ny1
init systemd
os_id debian
os_version 12
os_name Debian GNU/Linux 12 (bookworm)
cgroup 2
memory_limit max
cpu_limit max 100000
address lo 127.0.0.1/8
address eth0 203.0.113.11/24
address eth0 8.8.4.4/24
address eth1 10.0.0.11/24
address vethab fe80::1/64
default_route eth0
listening tcp 0016
listening tcp C350
listening udp 0035
listening udp C350
tool.nft nftables v1.0.6 (Lester Gooch #5)
tool.haproxy HAProxy version 2.6.12-1+deb12u1 2023/12/16 - https://haproxy.org/
docker 20.10.24+dfsg1
docker_root /var/lib/docker
disk_free_kib 1000
complete yes
"""


def test_a_whole_answer() -> None:
    assert parse(WHOLE) == HostFacts(
        cpus=8.0,
        memory=16384 * 1024,
        disk=1000 * 1024,
        os="debian 12",
        kernel="6.1.0-18-amd64",
        docker="20.10.24+dfsg1",
        data_dir="/var/lib/trellis",
        account="deploy sudo",
        interfaces=(
            Interface("eth0", ("203.0.113.11/24", "8.8.4.4/24"), internet_facing=True, default_route=True),
            Interface("eth1", ("10.0.0.11/24",)),
            Interface("lo", ("127.0.0.1/8",)),
        ),
        listening=frozenset({("tcp", 22), ("tcp", 50000), ("udp", 53)}),
        extra={
            "arch": "x86_64",
            "cgroup": "2",
            "docker_root": "/var/lib/docker",
            "haproxy": "2.6.12",
            "home": "/home/deploy",
            "hostname": "ny1",
            "init": "systemd",
            "memory_available": str(9000 * 1024),
            "nft": "1.0.6",
            "os_id": "debian",
            "os_name": "Debian GNU/Linux 12 (bookworm)",
            "os_version": "12",
        },
    )


@pytest.mark.parametrize(
    ("limits", "cpus"),
    [
        ("cpus 8", 8.0),
        ("cpus 8\ncpu_limit 150000 100000", 1.5),
        ("cpus 1\ncpu_limit 150000 100000", 1.0),
        ("cpus 8\ncpu_limit -1 100000", 8.0),
        ("cpus 8\ncpu_limit 400000 100000\ncpu_limit 200000 100000", 2.0),
        ("cpu_limit max", None),
        ("", None),
    ],
)
def test_the_smaller_of_machine_and_limit_in_cores(limits: str, cpus: float | None) -> None:
    assert parse(f"{limits}\ncomplete yes").cpus == cpus


@pytest.mark.parametrize(
    ("limits", "memory"),
    [
        ("memory_kib 1024", 1 << 20),
        ("memory_kib 1024\nmemory_limit 1000", 1000),
        ("memory_kib 1024\nmemory_limit 9223372036854771712", 1 << 20),
        ("memory_kib 1024\nmemory_limit max\nmemory_limit 2000\nmemory_limit 3000", 2000),
        ("", None),
    ],
)
def test_the_smaller_of_machine_and_limit_in_bytes(limits: str, memory: int | None) -> None:
    assert parse(f"{limits}\ncomplete yes").memory == memory


@pytest.mark.parametrize(
    ("lines", "account", "data_dir", "asks"),
    [
        ("uid 0\nuser root\nhome /root", "root root", "/var/lib/trellis", ""),
        ("uid 5\nuser ann\nhome /home/ann\nsudo yes", "ann sudo", "/var/lib/trellis", ""),
        ("uid 5\nuser ann\nhome /home/ann\nsudo no", "ann plain", "/home/ann/.local/share/trellis", ""),
        (
            "uid 5\nuser ann\nhome /home/ann\nsudo no\ngroups ann sudo",
            "ann plain",
            "/home/ann/.local/share/trellis",
            "yes",
        ),
    ],
)
def test_what_the_account_may_do(lines: str, account: str, data_dir: str, asks: str) -> None:
    facts = parse(f"{lines}\ncomplete yes")
    assert (facts.account, facts.data_dir) == (account, data_dir)
    assert facts.extra.get("sudo_needs_password", "") == asks


@pytest.mark.parametrize("text", ["", "cpus 8\nmemory_kib 10\n", "sh: command not found\n"])
def test_an_answer_that_breaks_off_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="breaks off"):
        parse(text)


def test_the_version_in_what_a_tool_says() -> None:
    assert version_in("rsync  version 3.2.7  protocol version 31") == "3.2.7"
    assert version_in("iptables v1.8.9 (nf_tables)") == "1.8.9"
    assert version_in("who knows") == ""
