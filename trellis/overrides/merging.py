"""Merges two versions of the file of overrides key by key: neighbouring lines are no conflict; pure."""

from trellis.environments.reading import parse_mapping
from trellis.overrides.file import changed
from trellis.overrides.model import OVERRIDES_FILE

_GONE = "(not overridden)"


def merge_overrides(base: str, ours: str, theirs: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """What both sides set since their common base.

    Returns:
        the merged text, and for each key that both sides set differently: the key, our value, their value.

    Raises:
        ConfigError: a side cannot be read.
    """
    before, mine, other = (parse_mapping(text, OVERRIDES_FILE) for text in (base, ours, theirs))
    moved = [key for key in sorted({*before, *other}, key=str) if before.get(key) != other.get(key)]
    conflicts = [key for key in moved if mine.get(key) != before.get(key) and mine.get(key) != other.get(key)]
    values = {str(key): other.get(key) for key in moved if mine.get(key) != other.get(key)}
    told = tuple((str(key), str(mine.get(key, _GONE)), str(other.get(key, _GONE))) for key in conflicts)
    return (ours, told) if conflicts else (changed(ours, values), ())
