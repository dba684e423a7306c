"""Reads what the facts script printed: pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface

from trellis.hosts import HostFacts, Interface

_NO_LIMIT = 1 << 60
"""cgroup v1 writes "no limit" as the greatest number of whole pages; nothing real comes near."""

_EPHEMERAL = 32768
"""From here on Linux hands ports out to clients, and an udp client's socket looks like a server's."""

_VERSION = re.compile(r"\d+(?:\.\d+)+")

_EXTRA = (
    "arch", "cgroup", "docker_problem", "docker_root", "firewall_tools", "home", "hostname", "init", "os_id", "os_name",
    "os_version", "ssh_port",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lines:
    """The script's lines by key; most keys come once."""

    values: Mapping[str, tuple[str, ...]]

    def one(self, key: str) -> str:
        return self.values.get(key, ("",))[0]

    def number(self, key: str) -> int | None:
        text = self.one(key)
        return int(text) if text.isdecimal() else None

    def many(self, key: str) -> tuple[str, ...]:
        return self.values.get(key, ())


def parse(text: str) -> HostFacts:
    """The facts in the script's output; what it could not find out stays None or empty, never 0.

    Raises:
        ValueError: the output breaks off before its end.
    """
    lines = _Lines(_by_key(text))
    if lines.one("complete") != "yes":
        raise ValueError("the answer breaks off")
    rights = _rights(lines)
    return HostFacts(
        cpus=_cpus(lines),
        memory=_memory(lines),
        disk=_bytes(lines.number("disk_free_kib")),
        os=f"{lines.one('os_id')} {lines.one('os_version')}".strip(),
        kernel=lines.one("kernel"),
        docker=lines.one("docker"),
        data_dir=_data_dir(rights, lines.one("home")),
        account=f"{lines.one('user')} {rights}",
        interfaces=_interfaces(lines),
        listening=frozenset(_listening(lines.many("listening"))),
        extra=_extra(lines),
    )


def version_in(text: str) -> str:
    """The first version number in what a tool says about itself; empty when there is none."""
    found = _VERSION.search(text)
    return found.group() if found else ""


def _by_key(text: str) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        values[key] = (*values.get(key, ()), value.strip())
    return values


def _rights(lines: _Lines) -> str:
    if lines.one("uid") == "0":
        return "root"
    return "sudo" if lines.one("sudo") == "yes" else "plain"


def _data_dir(rights: str, home: str) -> str:
    return f"{home}/.local/share/trellis" if rights == "plain" and home else "/var/lib/trellis"


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * 1024


def _cpus(lines: _Lines) -> float | None:
    limits = [limit for text in lines.many("cpu_limit") if (limit := _quota(text)) is not None]
    machine = lines.number("cpus")
    return min([*limits, *([float(machine)] if machine else [])], default=None)


def _quota(text: str) -> float | None:
    """Cores that ``QUOTA PERIOD`` (microseconds) allow; ``max`` and -1 are no limit (kernel: cgroup-v2, sched-bwc)."""
    quota, _, period = text.partition(" ")
    if not (quota.isdecimal() and period.isdecimal() and int(quota) and int(period)):
        return None
    return round(int(quota) / int(period), 3)


def _memory(lines: _Lines) -> int | None:
    limits = [int(text) for text in lines.many("memory_limit") if text.isdecimal() and int(text) < _NO_LIMIT]
    machine = _bytes(lines.number("memory_kib"))
    return min([*limits, *([machine] if machine else [])], default=None)


def _interfaces(lines: _Lines) -> tuple[Interface, ...]:
    addresses: dict[str, tuple[str, ...]] = {}
    for line in lines.many("address"):
        name, _, address = line.partition(" ")
        if name.startswith("veth"):
            continue  # a container's other end: it comes and goes with the container
        addresses[name] = (*addresses.get(name, ()), address)
    routes = set(lines.many("default_route"))
    return tuple(
        Interface(name, known, internet_facing=_faces_internet(known), default_route=name in routes)
        for name, known in sorted(addresses.items())
    )


def _faces_internet(addresses: Iterable[str]) -> bool:
    return any(ip_interface(address).ip.is_global for address in addresses)


def _listening(lines: Iterable[str]) -> Iterable[tuple[str, int]]:
    for line in lines:
        protocol, _, port = line.partition(" ")
        number = int(port, 16)
        if protocol == "tcp" or number < _EPHEMERAL:
            yield protocol, number


def _extra(lines: _Lines) -> dict[str, str]:
    known = {key: lines.one(key) for key in _EXTRA}
    tools = {key.removeprefix("tool."): version_in(lines.one(key)) for key in lines.values if key.startswith("tool.")}
    available = _bytes(lines.number("memory_available_kib"))
    known["memory_available"] = str(available) if available is not None else ""
    known["sudo_needs_password"] = "yes" if _may_ask_sudo(lines) else ""
    return {key: value for key, value in sorted((known | tools).items()) if value}


def _may_ask_sudo(lines: _Lines) -> bool:
    """Whether the account looks like one that sudo lets in after a password."""
    groups = lines.one("groups").split()
    return lines.one("uid") != "0" and lines.one("sudo") == "no" and bool({"sudo", "wheel", "admin"} & {*groups})
