"""The file of overrides: read, applied to a blueprint, and edited with its comments kept."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from trellis.blueprint import Blueprint
from trellis.environments.editing import edited
from trellis.environments.reading import parse_mapping, read_text
from trellis.errors import ConfigError
from trellis.overrides.attributes import UnknownAttributeError, attribute, set_attribute
from trellis.overrides.model import HEADER, OVERRIDES_FILE, Override


def overridden(blueprint: Blueprint, root: Path) -> Blueprint:
    """The blueprint with what the project's file of overrides sets; the same one when there is no such file.

    Raises:
        ConfigError: the file is at fault, or sets what the stack does not have.
    """
    file = root / OVERRIDES_FILE
    return apply_text(blueprint, read_text(file, OVERRIDES_FILE)) if file.is_file() else blueprint


def apply_text(blueprint: Blueprint, text: str) -> Blueprint:
    """As `overridden`, for the file's text.

    Services go to other roles last, and what is set of the role that they go to is set after that: so the order of the
    lines, which a merge may change, does not matter.
    """
    values = {str(key): value for key, value in parsed(text).items()}
    waiting = sorted(values, key=lambda key: key.endswith(".role"))
    while waiting:
        blueprint, later, fault = _one_round(blueprint, values, waiting)
        if fault is not None and len(later) == len(waiting):
            raise fault
        waiting = later
    return blueprint


def _one_round(
    blueprint: Blueprint, values: Mapping[str, object], waiting: Sequence[str]
) -> tuple[Blueprint, list[str], UnknownAttributeError | None]:
    """With all that is there to be set now; what is not, and the first fault of that."""
    later: list[str] = []
    first: UnknownAttributeError | None = None
    for key in waiting:
        try:
            blueprint = set_attribute(blueprint, key, values[key])
        except UnknownAttributeError as fault:
            later.append(key)
            first = first or fault
    return blueprint, later, first


@lru_cache(maxsize=32)
def parsed(text: str) -> Mapping[object, object]:
    """What the file's text sets; the same text is read once, because a merge reads each side several times.

    Raises:
        ConfigError: it is no YAML mapping.
    """
    return MappingProxyType(parse_mapping(text, OVERRIDES_FILE))


def listed(program: Blueprint, root: Path) -> tuple[Override, ...]:
    """What is overridden, and where.

    Args:
        program: the blueprint without overrides.
        root: the project's folder.
    """
    file = root / OVERRIDES_FILE
    if not file.is_file():
        return ()
    text = read_text(file, OVERRIDES_FILE)
    found = parsed(text)
    lines = _lines(text)
    return tuple(
        Override(str(key), value, attribute(program, str(key)), lines.get(str(key), 0)) for key, value in found.items()
    )


def changed(text: str, values: Mapping[str, object | None]) -> str:
    """The file's text with some keys set, and those whose value is None removed.

    Raises:
        ConfigError: one that is to be removed is not there.
    """
    there = parsed(text)
    for key, value in values.items():
        if value is None and key not in there:
            raise ConfigError(f"{key} is not overridden", where=OVERRIDES_FILE, hint="trellis describe")
    result = edited(text or HEADER, lambda document: _change(document, values), OVERRIDES_FILE)
    return result if parsed(result) else ""


def _change(document: "dict[str, object]", values: Mapping[str, object | None]) -> str:
    for key, value in values.items():
        if value is None:
            del document[key]
        else:
            document[key] = value
    return ""


def _lines(text: str) -> dict[str, int]:
    """The line of each key, from 1."""
    from ruamel.yaml import YAML

    document = YAML().load(text)
    return {str(key): document.lc.key(key)[0] + 1 for key in document or {}}
