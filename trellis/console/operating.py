"""Has a console run something on its environment, and hands on what that says while it goes on."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

from trellis.console.asking import asked
from trellis.console.deciding import AS_JSON, OPERATIONS
from trellis.environments.model import ConsoleAccess
from trellis.errors import TrellisError, UnreachableError

_LONGEST = 1 << 20  # bytes of a line; a console sends at most a fifth of that


@dataclass(frozen=True, slots=True)
class Said:
    """What was said meanwhile: to `out` or to `err`; or with which status it ended, and nothing more."""

    out: str = ""
    err: str = ""
    exit: int | None = None


def operated(
    url: str, access: ConsoleAccess, environment: str, operation: str, *, as_json: bool = False
) -> Iterator[Said]:
    """What an operation says, piece by piece; the last one has its exit status.

    Raises:
        NotAuthorisedError: the console is not who it should be, or refuses this client.
        UnreachableError: it does not answer, or stopped before the end was known.
    """
    query = f"?{AS_JSON.decode()}" if as_json else ""
    with asked(url, access, "POST", f"{OPERATIONS}{environment}/{operation}{query}") as answer:
        for line in _lines(answer, url):
            said = _said(line, url)
            yield said
            if said.exit is not None:
                return
    hint = "it goes on there; look at it: trellis console status"
    raise UnreachableError("the console's answer ended before the operation did", where=url, hint=hint)


def _lines(answer: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    while line := answer.readline(_LONGEST):
        if not line.endswith(b"\n"):
            raise UnreachableError("the console's answer ended early", where=url)
        if line.strip():
            yield line


def _said(line: bytes, url: str) -> Said:
    """One line, as `operations` writes it; whatever else is refused."""
    try:
        match json.loads(line):
            case {"out": str(text)}:
                return Said(out=text)
            case {"err": str(text)}:
                return Said(err=text)
            case {"exit": int(status)} if 0 <= status <= 255:
                return Said(exit=status)
            case {"exit": int()}:  # it was killed
                return Said(exit=255)
    except ValueError:
        pass
    raise TrellisError("the console answers what no operation says", where=url)
