"""Runs what the client of a console may run on its environment, and hands on what that says while it runs.

Each operation is one fixed command line; nothing that a client sends becomes a part of it. What it says goes to files
without a name, so that neither a slow client nor a console that ends can hold it up: once begun, it goes on to its end.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from typing import IO

from trellis.environments.project import Project
from trellis.state.processes import ON_BEHALF_OF

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "up": ("up", "--yes", "--no-input"),
    "status": ("status",),
    "scan": ("scan",),
}
"""What a client may be approved for, and what is run for it."""

_PROGRAM = "from trellis.cli.main import main; main()"
_LOOK = 0.1  # seconds between two looks at what it said
_QUIET = 5.0  # seconds after which a client hears that it goes on
_CHUNK = 32 * 1024


async def run(
    project: Project, environment: str, operation: str, client: str, *, as_json: bool
) -> AsyncIterator[bytes]:
    """Lines of JSON: ``{"out": TEXT}`` and ``{"err": TEXT}`` as it goes on, at last ``{"exit": STATUS}``.

    An empty line says that it goes on.
    """
    words = [*COMMANDS[operation], *(["--json"] if as_json else []), "-e", environment]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # asyncio's own would end it together with the console.
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - a fixed command line; to start it takes a moment only
            [sys.executable, "-c", _PROGRAM, *words],
            cwd=project.root,
            env={**os.environ, ON_BEHALF_OF: client, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        streams = {"out": _Tail(out), "err": _Tail(err)}
        quiet = 0.0
        while True:
            ended = process.poll() is not None
            said = [_line({name: text}) for name, tail in streams.items() for text in tail.new(last=ended)]
            for line in said:
                yield line
            if ended:
                break
            quiet = 0.0 if said else quiet + _LOOK
            if quiet >= _QUIET:
                quiet = 0.0
                yield b"\n"
            await asyncio.sleep(_LOOK)
        yield _line({"exit": process.returncode})


def _line(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=True).encode() + b"\n"


class _Tail:
    """What was written to a file since the last look; characters that are not whole yet wait."""

    def __init__(self, file: IO[bytes]) -> None:
        import codecs

        self._file, self._at = file.fileno(), 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def new(self, *, last: bool) -> list[str]:
        found = []
        while data := os.pread(self._file, _CHUNK, self._at):
            self._at += len(data)
            found.append(self._decoder.decode(data))
        found.append(self._decoder.decode(b"", final=last))
        return [text for text in found if text]
