"""What a lab asks of the engine, as data: names, labels, and the arguments of each call."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, ip_network
from itertools import islice
from types import MappingProxyType

from trellis.errors import UsageError
from trellis_lab.model import ADDRESS_LABEL, HOST_LABEL, LABEL, OWNER_LABEL, PROCESS_LABEL, Design, LabHost

HOST_IMAGE = "trellis-lab-host"
"""The repository of the hosts' image; its tag follows from the files that it is built from."""
BARE_IMAGE = "trellis-lab-bare"
"""The same without Docker Engine."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
ANY = IPv4Network("0.0.0.0/0")
"""The subnet of a design that has none yet."""
_SUBNETS = IPv4Network("10.88.0.0/16")
_FIRST_HOST = 11
_MOST_HOSTS = 200

OPEN_SYSTEM_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType({"MaskedPaths": (), "ReadonlyPaths": ()})
"""What ``--security-opt systempaths=unconfined`` adds to a host's settings: a host sets its own kernel parameters."""

Arguments = dict[str, object]
"""Keyword arguments of a call of docker-py's low-level client."""


def check_name(name: str) -> str:
    """The name, when it can be one.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a lab's name",
            hint="start with a letter; lower-case letters, digits and hyphens, 31 at most",
        )
    return name


def memory_sizes(megabytes: Sequence[int], count: int) -> tuple[int, ...]:
    """Bytes of RAM of each host: one number for all, or one a host; 0 means no limit.

    Raises:
        UsageError: the numbers do not match the hosts, or one is too small to run dockerd in.
    """
    if not 1 <= count <= _MOST_HOSTS:
        raise UsageError(f"a lab has 1 to {_MOST_HOSTS} hosts, not {count}")
    sizes = tuple(megabytes) or (0,)
    if len(sizes) not in {1, count}:
        raise UsageError(f"{len(sizes)} memory sizes for {count} hosts", hint="give one for all, or one a host")
    if any(0 < size < 128 or size < 0 for size in sizes):
        raise UsageError("a lab host needs 128 MiB of memory or more")
    return tuple(size * 1024 * 1024 for size in (sizes * count)[:count])


def hosts_in(subnet: IPv4Network, memory: Sequence[int]) -> tuple[LabHost, ...]:
    """``h1``, ``h2``… with addresses from the subnet's eleventh on; the ones below are the engine's."""
    addresses = islice(subnet.hosts(), _FIRST_HOST - 1, None)
    return tuple(
        LabHost(f"h{number}", address, size)
        for number, (address, size) in enumerate(zip(addresses, memory, strict=False), start=1)
    )


def free_subnets(taken: Iterable[str]) -> Iterator[IPv4Network]:
    """Subnets of 254 addresses that overlap none of the taken ones, lowest first."""
    used = [network for text in taken if isinstance(network := ip_network(text, strict=False), IPv4Network)]
    for subnet in _SUBNETS.subnets(new_prefix=24):
        if not any(subnet.overlaps(other) for other in used):
            yield subnet


def with_subnet(design: Design, subnet: IPv4Network, memory: Sequence[int]) -> Design:
    """The design with its network and its hosts in it."""
    return replace(design, subnet=subnet, hosts=hosts_in(subnet, memory))


def network_name(lab: str) -> str:
    """The name of a lab's network on the engine."""
    return f"lab-{lab}"


def container_name(lab: str, host: str) -> str:
    """The name of a lab host's container on the engine."""
    return f"lab-{lab}-{host}"


def volume_name(lab: str, host: str) -> str:
    """The name of the volume that holds a lab host's /var/lib/docker."""
    return f"{container_name(lab, host)}-docker"


def labels(design: Design, host: LabHost | None = None) -> dict[str, str]:
    """The labels of what the lab keeps on the engine; of one host's things when it is given."""
    found = {LABEL: design.name, OWNER_LABEL: design.owner}
    if host:
        found |= {HOST_LABEL: host.name, ADDRESS_LABEL: str(host.address)}
    if design.process:
        found[PROCESS_LABEL] = design.process
    return found


def network(design: Design) -> Arguments:
    """Arguments of `APIClient.create_network`, but for the address pools, which have a class of their own."""
    return {"name": network_name(design.name), "driver": "bridge", "labels": labels(design)}


def volume(design: Design, host: LabHost) -> Arguments:
    """Arguments of `APIClient.create_volume`; one with a size of its own is a tmpfs, empty again after a reboot."""
    found: Arguments = {"name": volume_name(design.name, host.name), "labels": labels(design, host)}
    if design.disk:
        found |= {"driver": "local", "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": f"size={design.disk}"}}
    return found


def host_settings(design: Design, host: LabHost, cgroup_version: str) -> Arguments:
    """Arguments of `APIClient.create_host_config`.

    Everything a host needs, and not `privileged`, which fails where the machine itself lacks CAP_SYS_RESOURCE.
    Overlay file systems cannot be stacked, so /var/lib/docker is a volume.
    """
    binds = [] if design.bare else [f"{volume_name(design.name, host.name)}:/var/lib/docker"]
    if cgroup_version == "1":
        binds.append("/sys/fs/cgroup:/sys/fs/cgroup:rw")
    settings: Arguments = {
        "network_mode": network_name(design.name),
        "cap_add": ["ALL"],
        "cap_drop": ["SYS_RESOURCE"],
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        "device_cgroup_rules": ["a *:* rwm"],
        "binds": binds,
    }
    if host.memory:
        settings |= {"mem_limit": host.memory, "memswap_limit": host.memory}
    return settings


def container(design: Design, host: LabHost) -> Arguments:
    """Arguments of `APIClient.create_container`, but for its host and network settings."""
    return {
        "name": container_name(design.name, host.name),
        "image": design.image,
        "hostname": host.name,
        "labels": labels(design, host),
    }


def ready_command(*, bare: bool) -> list[str]:
    """A command that ends once the host's ssh server and its engine answer, or fails after a minute.

    dockerd opens its socket before it serves, so the question waits for the answer instead of failing.
    """
    engine = "true" if bare else "docker version"
    script = f"until test -s /run/sshd.pid && {engine}; do sleep 0.1; done"
    return ["timeout", "60", "sh", "-c", f"({script}) >/dev/null 2>&1"]


FILLER = "/var/lib/docker/filler"
"""What takes up all the room of a disk that was filled."""


def fill_command() -> list[str]:
    """A command that leaves no room on a host's disk; only for hosts whose disk has a size of its own."""
    return [
        "sh",
        "-c",
        'dd if=/dev/zero of="$0" bs=1M 2>/dev/null; sync; test "$(df -k --output=avail "$0" | tail -n 1)" -lt 64',
        FILLER,
    ]


def environment_hosts(hosts: Sequence[LabHost], identity: str, known_hosts: str) -> Mapping[str, object]:
    """The ``hosts`` of an environment file that reaches the lab as the account ``deploy``."""
    return {
        host.name: {
            "connect": f"ssh://deploy@{host.address}",
            "address": str(host.address),
            "roles": [],
            "options": {"identity_file": identity, "known_hosts": known_hosts},
        }
        for host in hosts
    }
