"""The standard streams, made fit for use whatever the caller did to them."""

import os
import sys
from io import TextIOWrapper


def make_usable() -> None:
    """Open closed streams on the null device, and print ``?`` for what the terminal's encoding lacks.

    A closed descriptor would be given to the next file or socket, which prints and questions would then reach.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or _null("r")
    sys.stdout = sys.stdout or _null("w")
    sys.stderr = sys.stderr or _null("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _null(mode: str) -> TextIOWrapper:
    stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - it lives as long as the program
    assert isinstance(stream, TextIOWrapper)  # noqa: S101 - for the type checker: a text mode gives a text stream
    return stream
