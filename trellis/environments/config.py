"""Config values brought to the types that a stack declares."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from trellis.errors import ConfigError
from trellis.values import Value, freeze
from trellis_dsl.secret import Secret

_TRUTH = {"true": True, "false": False}


def parse_value(value: object, type_name: str, key: str, where: str) -> Value:
    """A value of the declared type, from the text of a command line or from a YAML value.

    Text is read as the type says; other values must be of the type already, except that an int is a float too.
    A secret is never shown in a refusal.

    Args:
        value: ``16``, ``"16"``, ``["a", "b"]``, ``"a,b"``, ``{"k": "v"}``, ``"k=v,l=w"``.
        type_name: ``str``, ``int``, ``float``, ``bool``, ``list[str]``, ``dict[str, str]`` or ``secret``.
        key: the declared key, ``Website.workers``.
        where: what errors name as the place, ``environments/prod.yaml: config.Website.workers``.

    Raises:
        ConfigError: the value is not of that type.
    """
    if type_name == "secret":
        return _secret(value, key, where)
    if isinstance(value, Secret):
        raise ConfigError(f"{key} is {_article(type_name)}, not a secret", where=where)
    read = _READERS.get(type_name)
    if read is None:
        raise ConfigError(f"{type_name} is not a type of config values", where=where)
    try:
        return read(value)
    except (ValueError, TypeError):
        raise ConfigError(f"{key} must be {_article(type_name)}, not {_shown(value)}", where=where) from None


def _secret(value: object, key: str, where: str) -> Value:
    if isinstance(value, Secret):
        return value
    hint = f"trellis secret set {key}, and remove it here"
    raise ConfigError(f"{key} is a secret: it must not stand in clear text", where=where, hint=hint)


def _str(value: object) -> Value:
    if isinstance(value, str):
        return value
    raise TypeError


def _int(value: object) -> Value:
    if isinstance(value, str) and value.isascii() and "_" not in value:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def _float(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _bool(value: object) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    raise ValueError


def _list(value: object) -> Value:
    items = _items(value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise TypeError
    return freeze(items)


def _items(text: str) -> list[str]:
    """``a, b`` as a list; no text is an empty one."""
    return [item.strip() for item in text.split(",")] if text else []


def _dict(value: object) -> Value:
    pairs = _pairs(value) if isinstance(value, str) else value
    if not isinstance(pairs, Mapping) or not all(isinstance(item, str) for pair in pairs.items() for item in pair):
        raise TypeError
    return MappingProxyType(dict(pairs))


def _pairs(text: str) -> dict[str, str]:
    """``k=v,l=w`` as a mapping; a key given twice is an error."""
    pairs: dict[str, str] = {}
    for part in text.split(",") if text else []:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key or key in pairs:
            raise ValueError
        pairs[key] = value
    return pairs


_READERS: Mapping[str, Callable[[object], Value]] = {
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "list[str]": _list,
    "dict[str, str]": _dict,
}

_ARTICLES = {
    "str": "text (put it in quotes)",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list[str]": "a list of texts, like a,b",
    "dict[str, str]": "a mapping of text to text, like k=v,l=w",
}


def _article(type_name: str) -> str:
    return _ARTICLES.get(type_name, type_name)


def _shown(value: object) -> str:
    """The value, cut short; true and false as YAML writes them."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
