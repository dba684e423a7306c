"""What `trellis status` says about certificates: until when the ones on the hosts last; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from trellis.resources import Actual

_SOON = 14  # days


def certificate_entries(actuals: Iterable[Actual], now: datetime) -> list[dict[str, Any]]:
    """One entry a certificate on a host, sorted by name and host.

    Args:
        actuals: all that was found; those of kind `certificate` say when they end in their state.
        now: aware.
    """
    found = [_entry(actual, now) for actual in actuals if actual.key.kind == "certificate"]
    return sorted(found, key=lambda entry: (entry["name"], entry["host"]))


def certificate_lines(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line a certificate with the hosts that have it; an ``!`` where it ends soon."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        hosts.setdefault((entry["name"], _left(entry)), []).append(entry["host"])
    return [f"{left[0]} certificate {name}: {left[2:]}, on {', '.join(on)}" for (name, left), on in hosts.items()]


def _entry(actual: Actual, now: datetime) -> dict[str, Any]:
    ends = str(actual.state.get("ends") or "")
    return {
        "name": str(actual.spec.get("name", actual.key.name)),
        "host": actual.key.host,
        "valid_until": ends or None,
        "days_left": (datetime.fromisoformat(ends) - now).days if ends else None,
    }


def _left(entry: Mapping[str, Any]) -> str:
    """A mark, and how long it lasts."""
    if entry["days_left"] is None:
        return "! cannot be read"
    day, left = str(entry["valid_until"])[:10], entry["days_left"]
    if left < 0:
        return f"! expired on {day}"
    return f"{'!' if left < _SOON else '='} {left} days left, until {day}"
