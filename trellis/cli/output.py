"""Prints: data on standard output, progress and questions on standard error."""

import json
import sys
from collections.abc import Mapping, Sequence

import click

from trellis.errors import CancelledError, UsageError

# What hosts and files say may hold escape sequences, which would steer the operator's terminal.
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}


def harmless(text: str) -> str:
    """The text with its control characters replaced, tabs and ends of lines kept."""
    return text.translate(_CONTROLS)


def echo(text: str = "", color: str | None = None) -> None:
    """Print a line of data; its colour, such as ``green``, shows where colours are wanted."""
    click.echo(click.style(harmless(text), fg=color) if color else harmless(text))


def progress(text: str) -> None:
    """Tell what is going on, unless told to be quiet."""
    if not is_quiet():
        click.echo(harmless(text), err=True)


QUIET, VERBOSE = "quiet", "verbose"
"""How much is told; kept in the meta data of click's context, which every command of a run shares."""


def is_quiet() -> bool:
    """Whether only results and errors are wanted."""
    return _how_much() == QUIET


def is_verbose() -> bool:
    """Whether more is to be told than usual."""
    return _how_much() == VERBOSE


def tell(how_much: str) -> None:
    """Set how much is told from now on, `QUIET` or `VERBOSE`."""
    click.get_current_context().meta[__name__] = how_much


def _how_much() -> str:
    context = click.get_current_context(silent=True)
    return str(context.meta.get(__name__, "")) if context else ""


def emit_json(document: Mapping[str, object]) -> None:
    """Print the one JSON document of a command; it names its ``schema_version``. Secrets show as a mask."""
    versioned = document if "schema_version" in document else {"schema_version": 1, **document}
    click.echo(json.dumps(versioned, indent=2, ensure_ascii=False, default=str))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their headings in columns; nothing when there are no rows."""
    if not rows:
        return
    cells = [[harmless(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows]
    lines = [[header.upper() for header in headers], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def interactive(*, no_input: bool = False) -> bool:
    """Whether somebody can be asked."""
    return not no_input and sys.stdin.isatty()


def confirm(
    question: str, *, yes: bool = False, no_input: bool = False, hint: str = "add --yes to agree beforehand"
) -> None:
    """Go on only when the operator agrees.

    Args:
        question: what is asked.
        yes: it was agreed to beforehand.
        no_input: nobody is to be asked.
        hint: what to do where nobody can be asked.

    Raises:
        UsageError: there is nobody to ask, and ``--yes`` was not given.
        CancelledError: the answer is no.
    """
    if yes:
        return
    if not interactive(no_input=no_input):
        raise UsageError(f"needs a confirmation: {question}", hint=hint)
    if not click.confirm(harmless(question), err=True):
        raise CancelledError("cancelled; nothing was changed")
