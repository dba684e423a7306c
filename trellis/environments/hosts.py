"""The hosts of an environment file, read and checked."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from trellis.environments.names import HOST_RULE, ROLE_RULE, is_address, is_host_name, is_role
from trellis.environments.reading import Problems, check_keys, joined, text_at, text_mapping_at, texts_at
from trellis.hosts import Host

_KEYS = ("connect", "address", "roles", "labels", "options")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*")
_LOCAL = "127.0.0.1"


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
    check_keys(entry, _KEYS, path, problems)
    connect = text_at(entry, "connect", path, problems) or "local://"
    reached = _reached(connect, path, problems)
    return Host(
        name=name,
        connect=connect,
        address=_address(entry, reached, path, problems),
        roles=_roles(entry, path, problems),
        labels=MappingProxyType(dict(text_mapping_at(entry, "labels", path, problems))),
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
