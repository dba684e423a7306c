"""How far a pull is, as a sentence now and then."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

_EVERY = 1.0
"""Seconds between two sentences."""

_MIB = 1 << 20


class PullProgress:
    """Adds up what Docker says about the layers of an image (Docker Engine API, ImageCreate)."""

    def __init__(self, reference: str, now: Callable[[], float] = monotonic) -> None:
        self._reference = reference
        self._now = now
        self._layers: dict[str, tuple[int, int]] = {}
        self._next = now()

    def take(self, event: Mapping[str, Any]) -> str:
        """The sentence that is due after this event, or nothing."""
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            self._layers[event["id"]] = (detail["current"], detail["total"])
        elif event.get("status") in ("Download complete", "Pull complete") and event.get("id") in self._layers:
            total = self._layers[event["id"]][1]
            self._layers[event["id"]] = (total, total)
        now = self._now()
        if now < self._next:
            return ""
        self._next = now + _EVERY
        return str(self)

    def __str__(self) -> str:
        """``pulling shop/website:7.1: 45 of 120 MiB``."""
        done, total = (sum(layer[side] for layer in self._layers.values()) for side in (0, 1))
        amount = f": {done // _MIB} of {total // _MIB} MiB" if total >= _MIB else ""
        return f"pulling {self._reference}{amount}"
