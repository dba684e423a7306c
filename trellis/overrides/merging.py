"""Merges two versions of the file of overrides key by key: neighbouring lines are no conflict; pure."""

from collections.abc import Mapping
from typing import TypeVar

from trellis.errors import ConfigError
from trellis.overrides.file import changed, parsed

T = TypeVar("T")

_GONE = "(not overridden)"


def merge_overrides(base: str, ours: str, theirs: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """What both sides set since their common base.

    Returns:
        the merged text, and for each key that both sides set differently: the key, our value, their value.

    Raises:
        ConfigError: a side cannot be read.
    """
    before, mine, other = (parsed(text) for text in (base, ours, theirs))
    moved = [key for key in sorted({*before, *other}, key=str) if before.get(key) != other.get(key)]
    conflicts = contradicting(before, mine, other)
    values = {str(key): other.get(key) for key in moved if mine.get(key) != other.get(key)}
    told = tuple((str(key), str(mine.get(key, _GONE)), str(other.get(key, _GONE))) for key in conflicts)
    return (ours, told) if conflicts else (_with(ours, theirs, values), ())


def _with(ours: str, theirs: str, values: Mapping[str, object | None]) -> str:
    """Our text with their values: line by line where each stands on a line of its own, as tools write them."""
    lines = {line.partition(":")[0]: line for line in theirs.splitlines() if line[:1] not in {"", "#", " ", "\t", "-"}}
    kept = [line for line in ours.splitlines() if line.partition(":")[0] not in values]
    merged = "".join(f"{line}\n" for line in [*kept, *(lines[key] for key in values if key in lines)])
    both: dict[object, object] = dict(parsed(ours))
    both.update(values)
    expected = {key: value for key, value in both.items() if value is not None}
    try:
        return merged if dict(parsed(merged)) == expected else changed(ours, values)
    except ConfigError:
        return changed(ours, values)


def contradicting(base: Mapping[T, object], ours: Mapping[T, object], theirs: Mapping[T, object]) -> list[T]:
    """The keys that both sides changed, and not to the same value."""
    moved = [key for key in {**base, **theirs} if base.get(key) != theirs.get(key)]
    return sorted((key for key in moved if ours.get(key) not in (base.get(key), theirs.get(key))), key=str)


def raw_entries(text: str) -> dict[str, str]:
    """Key to the text after it, without reading the values: hundreds of times faster than YAML, for comparing only."""
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line and line[0] not in "# \t":
            key, _, value = line.partition(":")
            found[key] = value.strip()
        elif key and line.strip() and not line.lstrip().startswith("#"):
            found[key] += f"\n{line.strip()}"
    return found
