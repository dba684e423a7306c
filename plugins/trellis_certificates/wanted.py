"""Which certificates a stack needs: names that belong together share one; pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate that is needed.

    Attributes:
        name: the first site's name; it is kept and shown under it.
        names: every name that it must be valid for, `name` first, the others sorted.
    """

    name: str
    names: tuple[str, ...]


def wanted_certificates(groups: Iterable[tuple[str, ...]]) -> tuple[Wanted, ...]:
    """One for each set of groups that share names, sorted by name.

    Args:
        groups: the names of each site, its own first.
    """
    merged: list[list[str]] = []
    for group in sorted(set(groups)):
        touching = [other for other in merged if set(other) & set(group)]
        merged = [other for other in merged if other not in touching]
        merged.append(list(dict.fromkeys([name for other in (*touching, group) for name in other])))
    found = (Wanted(first, (first, *sorted(rest))) for first, *rest in merged)
    return tuple(sorted(found, key=lambda wanted: wanted.name))
