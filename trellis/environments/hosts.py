"""The hosts of an environment file, read and checked."""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from trellis.environments.names import HOST_RULE, ROLE_RULE, is_address, is_host_name, is_role
from trellis.environments.reading import Problems, check_keys, joined, mapping_at, text_at, text_mapping_at, texts_at
from trellis.hosts import Host
from trellis.placing.model import Capacity
from trellis_dsl.errors import StackError
from trellis_dsl.quantities import parse_bandwidth, parse_bytes, parse_cpu

KEYS = ("connect", "address", "roles", "labels", "draining", "capacity", "exclusive", "secret_files", "options")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*")
_LOCAL = "127.0.0.1"
_AMOUNTS: Mapping[str, Callable[[Any], Any]] = {
    "cpu": parse_cpu,
    "memory": parse_bytes,
    "disk": parse_bytes,
    "network": parse_bandwidth,
}


def read_hosts(found: Mapping[object, object], problems: Problems) -> dict[str, Host]:
    """The hosts by name, in the file's order; what is wrong with them is remembered."""
    hosts: dict[str, Host] = {}
    for name, entry in found.items():
        path = joined("hosts", name)
        if not is_host_name(name):
            problems.add(path, f"not a name of a host: use {HOST_RULE}")
        if entry is not None and not isinstance(entry, dict):
            problems.add(path, "must be a mapping of keys to values")
        else:
            hosts[str(name)] = _host(str(name), entry or {}, path, problems)
    return hosts


def _host(name: str, entry: Mapping[object, object], path: str, problems: Problems) -> Host:
    check_keys(entry, KEYS, path, problems)
    connect = text_at(entry, "connect", path, problems) or "local://"
    reached = _reached(connect, path, problems)
    return Host(
        name=name,
        connect=connect,
        address=_address(entry, reached, path, problems),
        roles=_roles(entry, path, problems),
        labels=MappingProxyType(dict(text_mapping_at(entry, "labels", path, problems))),
        draining=_flag(entry, "draining", path, problems),
        exclusive=_flag(entry, "exclusive", path, problems),
        secrets_at_boot=_at_boot(mapping_at(entry, "secret_files", path, problems), f"{path}.secret_files", problems),
        capacity=_capacity(mapping_at(entry, "capacity", path, problems), joined(path, "capacity"), problems),
        options=MappingProxyType(dict(text_mapping_at(entry, "options", path, problems))),
    )


def _reached(connect: str, path: str, problems: Problems) -> str:
    """The address within the URL that a host is reached at; its connector checks the rest."""
    url = _split(connect)
    if url is None:
        problems.add(f"{path}.connect", "not a URL like ssh://user@address:22 or local://")
        return ""
    if url.password is not None:
        problems.add(f"{path}.connect", "a password must not stand here: use a key, or trellis secret set")
    return url.hostname or ""


def _split(connect: str) -> SplitResult | None:
    """The URL's parts, None when it is none or its port is no port."""
    try:
        url = urlsplit(connect)
        usable = _URL.fullmatch(connect) is not None and (url.port is None or url.port > 0)
    except ValueError:
        return None
    return url if usable else None


def _address(entry: Mapping[object, object], reached: str, path: str, problems: Problems) -> str:
    """The given address, else the one that the host is reached at."""
    address = text_at(entry, "address", path, problems)
    if address is None:
        return reached or _LOCAL
    if not is_address(address):
        problems.add(f"{path}.address", "not an address")
    return address


def _roles(entry: Mapping[object, object], path: str, problems: Problems) -> tuple[str, ...]:
    roles = texts_at(entry, "roles", path, problems)
    for index, role in enumerate(roles):
        if not is_role(role):
            problems.add(f"{path}.roles[{index}]", f"not a name of a role: use {ROLE_RULE}")
        elif role in roles[:index]:
            problems.add(f"{path}.roles[{index}]", f"{role} is given twice")
    return roles


def _flag(entry: Mapping[object, object], key: str, path: str, problems: Problems) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        problems.add(f"{path}.{key}", "must be true or false")
    return value is True


def _at_boot(found: Mapping[object, object], path: str, problems: Problems) -> bool:
    check_keys(found, ("at_boot",), path, problems)
    return _flag(found, "at_boot", path, problems)


def _capacity(found: Mapping[object, object], path: str, problems: Problems) -> Capacity:
    """The most that may be used of each dimension that is named."""
    check_keys(found, tuple(_AMOUNTS), path, problems)
    said = {
        name: _amount(found[name], parse, f"{path}.{name}", problems)
        for name, parse in _AMOUNTS.items()
        if name in found
    }
    return Capacity(**said)


def _amount(value: object, parse: Callable[[Any], Any], path: str, problems: Problems) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value in (math.inf, -math.inf):
        problems.add(path, "not an amount")
        return None
    try:
        return parse(value if parse is parse_cpu or isinstance(value, str) else int(value))
    except (StackError, ValueError, OverflowError) as fault:
        what = fault.what if isinstance(fault, StackError) else "not an amount"
        problems.add(path, f"{what}; {fault.hint}" if isinstance(fault, StackError) and fault.hint else what)
        return None
