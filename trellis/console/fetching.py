"""Fetches publications from a console into a file: over mutual TLS, bounded in size and time."""

import http.client
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from trellis.console.deciding import PATH
from trellis.environments.model import ConsoleAccess
from trellis.errors import ConfigError, NotAuthorisedError, TimedOutError, TrellisError, UnreachableError

_CHUNK = 64 * 1024
_SILENT = 30.0  # seconds without a byte
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
    context = _context(access)
    with tempfile.TemporaryDirectory(prefix="trellis-pull-") as folder:
        file = Path(folder) / "publications.bundle"
        _download(url, context, f"{PATH}{environment}", file)
        yield file


def _context(access: ConsoleAccess) -> ssl.SSLContext:
    for file in (access.authority, access.certificate):
        if not file.is_file():
            raise ConfigError("there is no such file", where=str(file), hint="ask for it where the console runs")
    if access.certificate.stat().st_mode & 0o077:
        raise ConfigError(
            "others may read this key", where=str(access.certificate), hint=f"chmod 600 {access.certificate}"
        )
    try:
        context = ssl.create_default_context(cafile=str(access.authority))
    except ssl.SSLError:
        raise ConfigError("holds no certificate that can be read", where=str(access.authority)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(access.certificate)
    except ssl.SSLError:
        what = "must hold a certificate and its key"
        raise ConfigError(what, where=str(access.certificate)) from None
    return context


def _download(url: str, context: ssl.SSLContext, path: str, file: Path) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise ConfigError("not a URL", where=url) from None
    connection = http.client.HTTPSConnection(host, port, timeout=_SILENT, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise _refusal(answer, url)
        _keep(answer, file, url)
    except ssl.SSLCertVerificationError as fault:
        raise NotAuthorisedError(f"the console is not who it should be: {fault.verify_message}", where=url) from None
    except (OSError, http.client.HTTPException) as fault:
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise UnreachableError(f"the console does not answer: {reason}", where=url) from fault
    finally:
        connection.close()


def _refusal(answer: http.client.HTTPResponse, url: str) -> TrellisError:
    said = " ".join(answer.read(1000).decode(errors="replace").split())
    if answer.status == 403:
        return NotAuthorisedError(f"the console refuses: {said}", where=url)
    return TrellisError(f"the console answers {answer.status}: {said}", where=url)


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
