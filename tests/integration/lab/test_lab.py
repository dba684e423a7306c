"""Labs as their users know them: several at once, with faults, and gone without a trace."""

import os
import signal
import subprocess
import sys
import time

import docker
import pytest

from trellis.errors import LockedError, UsageError
from trellis_lab import Lab, state
from trellis_lab.lab import labs, take_down


@pytest.fixture
def api(engine):  # noqa: ARG001 - needed, not read
    client = docker.APIClient(version="auto")
    yield client
    client.close()


def traces(api, name: str) -> list[str]:
    wanted = {"label": f"io.trellis.lab={name}"}
    volumes = api.volumes(filters=wanted)["Volumes"] or []
    found = [*api.containers(all=True, filters=wanted), *api.networks(filters=wanted), *volumes]
    return [item.get("Name") or item["Names"][0] for item in found]


@pytest.fixture
def echo(built_images):
    """A small image that runs until it is stopped."""
    built_images("trellis-test/echo:1")
    return "trellis-test/echo:1"


def test_hosts_have_ssh_docker_nftables_and_their_own_addresses(lab):
    for number, host in enumerate(lab.hosts, start=1):
        assert lab.execute(host.name, "hostname") == (0, f"h{number}\n")
        assert lab.execute(host.name, "nft", "list", "ruleset")[0] == 0
        assert lab.execute(host.name, "docker", "info", "--format", "{{.Name}} {{.Driver}}") == (
            0,
            f"h{number} overlay2\n",
        )
        assert str(host.address) in lab.execute(host.name, "ip", "-4", "addr")[1]


def test_hosts_reach_each_other(lab):
    script = 'exec 3<>"/dev/tcp/$0/22"; read -r line <&3; echo "$line"'
    status, output = lab.execute("h1", "bash", "-c", script, str(lab.host("h2").address))
    assert (status, output[:8]) == (0, "SSH-2.0-")


def test_a_host_forwards_nothing_that_docker_did_not_publish(lab):
    """As on a real host: dockerd turned forwarding on itself, and closed it for everything else."""
    assert "-P FORWARD DROP" in lab.execute("h1", "iptables", "-S", "FORWARD")[1]


def test_memory_is_what_was_asked_for_and_holds_for_containers_too(new_lab, echo):
    lab = new_lab(2, memory=[256, 512])
    read = [
        "sh",
        "-c",
        "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory$0/memory.limit_in_bytes",
    ]
    for host, limit in (("h1", 256), ("h2", 512)):
        group = lab.execute(host, "sed", "-n", "s/^[0-9]*:memory://p", "/proc/1/cgroup")[1].strip()
        assert lab.execute(host, *read, group) == (0, f"{limit * 1024 * 1024}\n")
    lab.load(echo)
    assert lab.execute("h1", "docker", "run", "-d", "--name", "inner", echo)[0] == 0
    pid = lab.execute("h1", "docker", "inspect", "--format", "{{.State.Pid}}", "inner")[1].strip()
    own = lab.execute("h1", "cat", "/proc/1/cgroup")[1].splitlines()[0].partition(":")[2]
    assert own in lab.execute("h1", "cat", f"/proc/{pid}/cgroup")[1]


def test_images_are_loaded_once_into_all_hosts(lab, echo):
    lab.load(echo)
    ids = {lab.execute(host.name, "docker", "image", "inspect", "--format", "{{.Id}}", echo)[1] for host in lab.hosts}
    assert len(ids) == 1
    lab.load(echo)


def test_an_image_that_is_not_there_is_named(lab):
    with pytest.raises(UsageError, match="there is no image lb-nothing:1"):
        lab.load("lb-nothing:1")


def test_a_crashed_host_comes_back_with_its_containers(new_lab, echo):
    lab = new_lab(1)
    lab.load(echo)
    lab.execute("h1", "docker", "run", "-d", "--name", "inner", "--restart", "unless-stopped", echo)
    for fault in (lab.crash, lambda _: None):  # a crash, then an orderly reboot
        fault("h1")
        lab.reboot("h1")
        _until(lambda: lab.execute("h1", "docker", "ps", "--format", "{{.Names}}") == (0, "inner\n"))


def _until(holds) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_partitioned_host_comes_back_with_its_address(new_lab):
    lab = new_lab(2)
    ask = ["timeout", "3", "bash", "-c", ': <"/dev/tcp/$0/22"', str(lab.host("h2").address)]
    lab.partition("h2")
    assert lab.execute("h1", *ask)[0] != 0
    lab.heal("h2")
    assert lab.execute("h1", *ask)[0] == 0
    lab.heal("h2")


def test_a_disk_of_its_own_can_be_filled_and_emptied(new_lab, echo):
    lab = new_lab(1, disk=64)
    lab.fill("h1")
    assert lab.execute("h1", "sh", "-c", "echo x >/var/lib/docker/one-more")[0] != 0
    lab.heal("h1")
    lab.load(echo)
    assert lab.execute("h1", "docker", "run", "-d", echo)[0] == 0


def test_this_machines_own_disk_is_not_filled(lab):
    with pytest.raises(UsageError, match="only when it has a size"):
        lab.fill("h1")


def test_two_labs_live_side_by_side(new_lab, lab):
    other = new_lab(1)
    assert other.hosts[0].name == lab.hosts[0].name
    assert other.hosts[0].address != lab.hosts[0].address
    assert {lab.name: 3, other.name: 1}.items() <= labs().items()
    assert other.access.identity.read_bytes() != lab.access.identity.read_bytes()


def test_labs_that_start_at_the_same_moment_share_no_subnet(engine, api):  # noqa: ARG001 - needed, not read
    names = [f"lb-race{number}-{os.getpid()}" for number in range(4)]
    program = "import sys; from trellis_lab import Lab; print(Lab.up(1, name=sys.argv[1]).hosts[0].address)"
    starting = [subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE) for name in names]
    addresses = [child.communicate(timeout=60)[0] for child in starting]
    for name in names:
        take_down(name)
        assert traces(api, name) == []
    assert [child.returncode for child in starting] == [0, 0, 0, 0]
    assert len(set(addresses)) == 4


def test_a_lab_is_found_again_and_taken_down_without_a_trace(new_lab, api):
    lab = new_lab(2)
    found = Lab.find(lab.name)
    assert found.hosts == lab.hosts
    found.close()
    take_down(lab.name)
    assert traces(api, lab.name) == []
    assert not lab.access.folder.exists()
    for act in (Lab.find, take_down):
        with pytest.raises(UsageError, match=f"there is no lab {lab.name}"):
            act(lab.name)


def test_a_name_that_is_taken_is_refused(lab):
    with pytest.raises(UsageError, match=f"lab {lab.name} is there already"):
        Lab.up(1, name=lab.name)
    assert lab.execute("h1", "true")[0] == 0


def test_a_lab_that_is_being_started_is_left_alone(engine):  # noqa: ARG001 - needed, not read
    with state.locked("lb-busy"), pytest.raises(LockedError):
        Lab.up(1, name="lb-busy")


@pytest.mark.parametrize("after", [0.1, 0.4, 0.8, 1.3])
def test_a_start_that_was_killed_leaves_nothing_that_the_next_one_does_not_remove(after, new_lab, api):
    """Killed at several moments: before the network, between it and the hosts, while they start."""
    name = f"lb-killed-{os.getpid()}"
    program = f"from trellis_lab import Lab; Lab.up(2, name={name!r})"
    child = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    time.sleep(after)  # the moment of the kill is what is being tested
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    new_lab(1)
    if state.access(name).ready.exists():  # it was quicker than we were: a whole lab stays until it is taken down
        take_down(name)
    assert traces(api, name) == []
    assert not state.access(name).folder.exists()


def test_a_temporary_lab_whose_process_was_killed_is_removed_by_the_next_start(new_lab, api):
    name = f"lb-orphan-{os.getpid()}"
    program = (
        f"import os; from trellis_lab import Lab; Lab.up(1, name={name!r}, temporary=True); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert traces(api, name)
    new_lab(1)
    assert traces(api, name) == []


def test_a_start_that_fails_leaves_nothing(api):
    with pytest.raises(UsageError):
        Lab.up(2, name="lb-fails", memory=[512, 512, 512])
    assert traces(api, "lb-fails") == []
