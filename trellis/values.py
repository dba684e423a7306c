"""Values that are printed, compared and hashed: JSON with secrets inside, frozen, canonical, masked."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import assert_never

from trellis_dsl.secret import Secret

Value = None | bool | int | float | str | Secret | tuple["Value", ...] | Mapping[str, "Value"]
"""A JSON value whose arrays are tuples and whose text may be a `Secret`."""

FINGERPRINT = "secret:"
"""How a stored fingerprint starts."""


def freeze(value: object) -> Value:
    """The same value with tuples for lists and read-only mappings for dictionaries.

    Raises:
        TypeError: something in it is not JSON and not a `Secret`.
    """
    match value:
        case None | bool() | int() | float() | str() | Secret():
            return value
        case dict() | MappingProxyType() | Mapping():  # an abstract class takes ten times as long to ask
            return MappingProxyType({str(key): freeze(item) for key, item in value.items()})
        case list() | tuple():
            return tuple(freeze(item) for item in value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def freeze_mapping(value: Mapping[str, object]) -> Mapping[str, Value]:
    """`freeze` for a mapping, typed as one."""
    return MappingProxyType({key: freeze(item) for key, item in value.items()})


def masked(value: Value) -> object:
    """A plain JSON value with every secret shown as ``•••``."""
    return _plain(value, str)


def fingerprinted(value: Value, salt: bytes) -> object:
    """A plain JSON value with every secret as a keyed fingerprint: comparable, not recoverable without the salt.

    Args:
        value: what is to be stored or compared.
        salt: the environment's salt; HMAC-SHA256 (RFC 2104) of it and the secret is what is kept.
    """
    return _plain(value, lambda secret: _fingerprint(secret, salt))


def _fingerprint(secret: Secret, salt: bytes) -> str:
    return FINGERPRINT + hmac.new(salt, secret.reveal().encode(), hashlib.sha256).hexdigest()[:32]


def _plain(value: Value, replace: Callable[[Secret], str]) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Secret():
            return replace(value)
        case MappingProxyType() | Mapping():
            return {key: _plain(item, replace) for key, item in value.items()}
        case tuple():
            return [_plain(item, replace) for item in value]
        case _:
            assert_never(value)


def canonical(value: object) -> str:
    """The one JSON text for a plain value: sorted keys, no spaces, no escapes of Unicode (RFC 8785 in spirit)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
