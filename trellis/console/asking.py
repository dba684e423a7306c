"""One request to a console over mutual TLS; what keeps it from being answered has its sentence."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from trellis.environments.model import ConsoleAccess
from trellis.errors import ConfigError, NotAuthorisedError, TrellisError, UnreachableError

_SILENT = 30.0  # seconds without a byte


@contextmanager
def asked(url: str, access: ConsoleAccess, method: str, path: str) -> Iterator[http.client.HTTPResponse]:
    """The console's answer, to be read in the block.

    Raises:
        NotAuthorisedError: the console is not who it should be, or refuses this client.
        UnreachableError: it does not answer, or stops answering.
        ConfigError: the certificate or the authority cannot be read, or the address is none.
    """
    connection = _connection(url, _context(access))
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise _refusal(answer, url)
        yield answer
    except ssl.SSLCertVerificationError as fault:
        raise NotAuthorisedError(f"the console is not who it should be: {fault.verify_message}", where=url) from None
    except (OSError, http.client.HTTPException) as fault:
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise UnreachableError(f"the console does not answer: {reason}", where=url) from fault
    finally:
        connection.close()


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


def _connection(url: str, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    try:
        parts = urlsplit(url)
        return http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, timeout=_SILENT, context=context)
    except (ValueError, http.client.InvalidURL):
        raise ConfigError("not a URL", where=url) from None


def _refusal(answer: http.client.HTTPResponse, url: str) -> TrellisError:
    said = " ".join(answer.read(1000).decode(errors="replace").split())
    if answer.status == 403:
        return NotAuthorisedError(f"the console refuses: {said}", where=url)
    return TrellisError(f"the console answers {answer.status}: {said}", where=url)
