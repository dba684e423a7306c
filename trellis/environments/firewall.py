"""The firewall section of an environment file, read and checked."""

from collections.abc import Mapping
from typing import TypeVar

from trellis.environments.names import ROLE_RULE, is_role
from trellis.environments.reading import Problems, check_keys, near_miss, text_at
from trellis.firewall.settings import EGRESS, MODES, Denial, FirewallSettings

T = TypeVar("T", bound=str)

KEYS = ("mode", "egress", "provider", "deny")
_ANY = "*"


def read_firewall(found: Mapping[object, object], problems: Problems) -> FirewallSettings:
    """The settings; what is wrong with them is remembered."""
    check_keys(found, KEYS, "firewall", problems)
    return FirewallSettings(
        mode=_one_of(found, "mode", MODES, problems),
        egress=_one_of(found, "egress", EGRESS, problems),
        provider=text_at(found, "provider", "firewall", problems) or "",
        deny=_denials(found.get("deny"), problems),
    )


def _one_of(found: Mapping[object, object], key: str, known: tuple[T, ...], problems: Problems) -> T:
    text = text_at(found, key, "firewall", problems)
    for word in known:
        if text == word:
            return word
    if text is not None:
        problems.add(f"firewall.{key}", f"{text!r} is not one of {', '.join(known)}{near_miss(text, known)}")
    return known[0]


def _denials(found: object, problems: Problems) -> tuple[Denial, ...]:
    """``- {from: Web, to: Database}``: names of services or roles, or ``*``."""
    if found is None:
        return ()
    if not isinstance(found, list):
        problems.add("firewall.deny", "must be a list")
        return ()
    return tuple(denial for index, entry in enumerate(found) if (denial := _denial(entry, index, problems)))


def _denial(entry: object, index: int, problems: Problems) -> Denial | None:
    path = f"firewall.deny[{index}]"
    if not isinstance(entry, dict) or set(entry) != {"from", "to"}:
        problems.add(path, "must be a mapping with the keys from and to, such as {from: Web, to: Database}")
        return None
    for key in ("from", "to"):
        if entry[key] != _ANY and not is_role(entry[key]):
            problems.add(f"{path}.{key}", f'not a name of a service or role, nor "*": use {ROLE_RULE}')
            return None
    return Denial(entry["from"], entry["to"])
