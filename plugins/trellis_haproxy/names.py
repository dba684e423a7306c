"""Values that come from users, checked and written so that they cannot break out of a line of HAProxy's config."""

import re
from ipaddress import ip_address

from trellis.errors import UsageError

# Letters, digits and hyphens in labels (RFC 1123), and the underscore that internal names often have.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LONGEST_DOMAIN = 253  # RFC 1035
# Unreserved characters, sub-delimiters and percent-encoding of a path (RFC 3986), without those that HAProxy's parser
# or the shell of a reader takes for more than a character: quotes, $, parentheses.
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!&*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!&*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_LONGEST_PATH = 1024
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ENDPOINT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*[.][A-Za-z_][A-Za-z0-9_]*")
_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9.-]")


def checked_domain(domain: str, where: str) -> str:
    """The domain in lower case, with other letters than ASCII as browsers send them (IDNA).

    Raises:
        UsageError: it is not the name of a host.
    """
    try:
        name = domain.lower().encode("idna").decode() if not domain.isascii() else domain.lower()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    # fullmatch, as $ would let a line break through.
    if len(name) > _LONGEST_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError(
            f"{domain!r} is not the name of a host", where=where, hint="write it as www.shop.example, without a port"
        )
    return name


def checked_path(path: str, where: str, *, query: bool = False) -> str:
    """A path, with a query where that is allowed, that is one word in HAProxy's config.

    Raises:
        UsageError: it is not one.
    """
    bare, mark, asked = path.partition("?") if query else (path, "", "")
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(bare) or not _QUERY.fullmatch(asked):
        raise UsageError(f"{path!r} is not a path", where=where, hint="write it as /shop, other characters as %20")
    return bare + mark + asked


def checked_address(address: str, where: str) -> str:
    """An IP address, or the name of a host.

    Raises:
        UsageError: it is neither.
    """
    try:
        # A zone such as %eth0 is not part of what HAProxy takes.
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return checked_domain(address, where)


def checked_name(name: str, where: str) -> str:
    """The name of a container.

    Raises:
        UsageError: it is not one.
    """
    if not _CONTAINER.fullmatch(name):
        raise UsageError(f"{name!r} is not the name of a container", where=where)
    return name


def checked_endpoint(name: str, where: str) -> str:
    """``MariaDB.sql``.

    Raises:
        UsageError: it is not the name of an endpoint.
    """
    if not _ENDPOINT.fullmatch(name):
        raise UsageError(f"{name!r} is not the name of an endpoint", where=where)
    return name


def binds(port: int, options: str = "") -> tuple[str, ...]:
    """One line for each IP version: on a socket for both, a client's address would be told as ``::ffff:1.2.3.4``."""
    return tuple(
        " ".join(word for word in ("bind", address, options) if word)
        for address in (f"0.0.0.0:{port}", f"[::]:{port} v6only")
    )


def is_for(*names: str) -> str:
    """Whether a request is for one of these names; a variable for its own would cost more than it saves."""
    return f"req.hdr(host),host_only -i {' '.join(names)}"


def proxy_name(domain: str, path: str) -> str:
    """A backend's name: different for every site, and only of characters that HAProxy accepts.

    ``shop.example`` for the whole domain, ``shop.example:api`` below ``/api``; a character that no name may have
    becomes an underscore and its code, and an underscore becomes two.
    """
    name = domain + path.rstrip("/")
    return ":".join(_NAME_CHARACTER.sub(_escaped, part) for part in name.split("/"))


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return "__" if character == "_" else "".join(f"_{byte:02x}" for byte in character.encode())
