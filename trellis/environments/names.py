"""Which names environments, hosts, roles and config keys may have."""

import ipaddress
import re

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*")

NAME_RULE = "letters, digits and -"
ROLE_RULE = "letters, digits, _ and -, a letter first"
HOST_RULE = "letters, digits, - and dots"
KEY_RULE = "letters, digits, _ and -, parts joined by dots, like Website.workers"


def is_name(text: object) -> bool:
    """Whether an environment may be called that: 1 to 63 of `NAME_RULE`, no - at an end."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_host_name(text: object) -> bool:
    """Whether a host may be called that: like a name, with dots between its labels."""
    return isinstance(text, str) and _HOST.fullmatch(text) is not None and ".." not in text


def is_role(text: object) -> bool:
    """Whether a role or a service may be called that, as in a stack."""
    return isinstance(text, str) and _ROLE.fullmatch(text) is not None


def is_key(text: object) -> bool:
    """Whether a config value or a secret may have that key."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address or a DNS name (RFC 1123); a name that ends in a number is not."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.split(".")
        return len(text) <= 253 and all(map(is_name, labels)) and not labels[-1].isdigit()
    return True
