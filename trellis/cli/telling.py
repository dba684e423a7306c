"""Tells how the steps of a run go: a live region on a terminal, plain lines elsewhere, nothing when quiet."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Literal, Protocol

import click

from trellis.cli.output import harmless, is_quiet, is_verbose, progress
from trellis.cli.rendering import SIGNS
from trellis.plans import Step

if TYPE_CHECKING:
    from rich.console import RenderableType

Ending = Literal["done", "failed", "skipped"]


class Teller(Protocol):
    """Is told what happens, and tells the operator."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def doing(self, step: Step, text: str) -> None:
        """What it is doing now."""

    def ended(self, step: Step, how: Ending) -> None:
        """It is over, or was not begun."""

    def say(self, text: str) -> None:
        """Something about the run as a whole."""


@contextmanager
def telling(steps: int) -> Iterator[Teller]:
    """Who tells of a run, for as long as it lasts.

    Args:
        steps: how many there are to do.
    """
    if is_quiet() or not _is_terminal():
        yield PlainLines()
        return
    from rich.console import Console
    from rich.live import Live

    color = click.get_current_context(silent=True)
    console = Console(
        stderr=True, highlight=False, markup=False, emoji=False, no_color=bool(color and color.color is False)
    )
    region = LiveRegion(steps)
    with Live(get_renderable=region.rendered, console=console, refresh_per_second=8, transient=True) as live:
        region.write = lambda text: live.console.print(text, soft_wrap=True)
        yield region


class PlainLines:
    """One line when a step begins, one for what it does, and one when it fails; with ``-v`` also when it is done."""

    def __init__(self) -> None:
        self._since: dict[object, float] = {}

    def started(self, step: Step) -> None:
        """``+ container website-1 on here: not there yet``."""
        self._since[step.key] = monotonic()
        progress(f"{title(step)}: {step.reason}")

    def doing(self, step: Step, text: str) -> None:
        """Indented under the steps."""
        progress(f"  {step.key.name} on {step.key.host}: {text}")

    def ended(self, step: Step, how: Ending) -> None:
        """With how long it took, for those who want to know."""
        if how != "done":
            progress(f"{title(step)}: {how}")
        elif is_verbose():
            progress(f"{title(step)}: done in {elapsed(monotonic() - self._since[step.key])}")

    def say(self, text: str) -> None:
        """A line."""
        progress(text)


class LiveRegion:
    """What is under way stands at the bottom with its time; what is over is written above it, once.

    Args:
        steps: how many there are to do.
        clock: seconds since some moment.
    """

    def __init__(self, steps: int, clock: Callable[[], float] = monotonic) -> None:
        self._steps, self._over, self._began, self._clock = steps, 0, clock(), clock
        self._running: dict[object, tuple[Step, str, float]] = {}
        self.write = progress

    def started(self, step: Step) -> None:
        """It joins the region."""
        self._running[step.key] = (step, step.reason, self._clock())

    def doing(self, step: Step, text: str) -> None:
        """Its line says so; with ``-v`` a line above stays."""
        _, _, since = self._running[step.key]
        self._running[step.key] = (step, text, since)
        if is_verbose():
            self.write(harmless(f"  {step.key.name} on {step.key.host}: {text}"))

    def ended(self, step: Step, how: Ending) -> None:
        """It leaves the region, and a line stays."""
        _, _, since = self._running.pop(step.key, (step, "", self._clock()))
        self._over += 1
        took = f" in {elapsed(self._clock() - since)}" if how == "done" else ""
        self.write(harmless(f"{title(step)}: {how}{took}"))

    def say(self, text: str) -> None:
        """A line above the region."""
        self.write(harmless(text))

    def rendered(self) -> "RenderableType":
        """The region as it is now."""
        from rich.console import Group
        from rich.text import Text

        now = self._clock()
        lines = [
            f"  {_spinner(now)} {step.key.name} on {step.key.host}: {text} ({elapsed(now - since)})"
            for step, text, since in self._running.values()
        ]
        total = f"{self._over} of {self._steps} done, {elapsed(now - self._began)}"
        return Group(*(Text(harmless(line), no_wrap=True, overflow="ellipsis") for line in (*lines, total)))


def title(step: Step) -> str:
    """``+ container website-1 on here``."""
    return f"{SIGNS[step.verb]} {step.key.kind} {step.key.name} on {step.key.host}"


def elapsed(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 5 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _spinner(now: float) -> str:
    frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if (sys.stderr.encoding or "").lower().startswith("utf") else "|/-\\"
    return frames[int(now * 8) % len(frames)]


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
