"""Fetches publications from a console into a file: bounded in size and time."""

import http.client
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from trellis.console.asking import asked
from trellis.console.deciding import PATH
from trellis.environments.model import ConsoleAccess
from trellis.errors import TimedOutError, TrellisError, UnreachableError

_CHUNK = 64 * 1024
_ALL = 600.0  # seconds
_LARGEST = 4 * 1024**3  # bytes


@contextmanager
def fetched(url: str, access: ConsoleAccess, environment: str) -> Iterator[Path]:
    """The bundle that a console gives of an environment's publications, until the block ends.

    Raises:
        NotAuthorisedError: the console is not who it should be, or refuses this client.
        UnreachableError: it does not answer.
        ConfigError: the certificate or the authority cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="trellis-pull-") as folder:
        file = Path(folder) / "publications.bundle"
        with asked(url, access, "GET", f"{PATH}{environment}") as answer:
            _keep(answer, file, url)
        yield file


def _keep(answer: http.client.HTTPResponse, file: Path, url: str) -> None:
    """Write the answer to a file; one that ends early, is too large or too slow is refused."""
    expected, size, until = answer.length, 0, monotonic() + _ALL
    with file.open("wb") as out:
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
            out.write(chunk)
            if size > _LARGEST:
                raise TrellisError("the console gives more than 4 GiB", where=url)
            if monotonic() > until:
                raise TimedOutError(f"the console took more than {_ALL:.0f} s", where=url)
    if expected is None or size != expected:
        raise UnreachableError("the console's answer ended early", where=url)
