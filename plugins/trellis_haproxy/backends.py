"""The backends of sites, and the servers in them; pure."""

from collections.abc import Iterator, Mapping

from trellis.deployment import HostAddress
from trellis.values import digest
from trellis_dsl.sites import AS_USUAL, Handling
from trellis_haproxy.model import Server, SiteRoute
from trellis_haproxy.names import checked_address, checked_name, proxy_name
from trellis_haproxy.servers import Line, Place, server_name

CHECK = "inter 2s fall 2 rise 1"
"""In every line, as a server that is added while HAProxy runs does not read ``default-server``."""

_COOKIE = "TRELLIS"
_TOO_MANY = 'content-type "text/plain; charset=utf-8" string "Too many requests. Please try again in a moment.\\n"'
_LATER = (
    'http-request return status 503 content-type "text/plain; charset=utf-8" hdr Retry-After 120 '
    'string "This site is being worked on. Please come back in a few minutes.\\n"'
)


def backend(site: SiteRoute, whose: str) -> Iterator[str]:
    """The lines of a site's backend; its servers come last.

    Args:
        site: what it serves.
        whose: the stack and the environment, alike at all balancers.
    """
    name = proxy_name(site.domain, site.path)
    yield f"backend {name}"
    yield from (f"    {line}" for line in _handling(site.handling, secure=site.tls or site.in_front))
    if site.handling.sticky:
        yield f"    dynamic-cookie-key {digest(f'{whose}/{name}')[:32]}"
    if any(server.backup for server in site.servers):
        yield "    # All of those further away share what the near ones cannot take."
        yield "    option allbackups"
    if site.health_path:
        yield "    option httpchk"
        yield f"    http-check send meth GET uri {site.health_path} ver HTTP/1.1 hdr Host {site.domain}"
        yield "    http-check expect status 200-399"
    yield from map(str, server_lines(name, site).values())


def _handling(handling: Handling, *, secure: bool) -> Iterator[str]:
    if handling.maintenance:
        yield _LATER
    if handling.timeout != AS_USUAL.timeout:
        yield f"timeout server {round(handling.timeout * 1000)}ms"
    if handling.requests_per_second:
        yield "stick-table type ipv6 size 100k expire 10s store http_req_rate(1s)"
        yield "http-request track-sc0 src"
        yield f"http-request return status 429 {_TOO_MANY} if {{ sc0_http_req_rate gt {handling.requests_per_second} }}"
    if handling.connections:
        yield f"http-request return status 429 {_TOO_MANY} if {{ be_conn gt {handling.connections} }}"
    if handling.resend:
        yield "retry-on conn-failure empty-response"
        yield "# A request that changes something is never sent twice."
        yield "http-request disable-l7-retry unless { method GET HEAD OPTIONS }"
    if handling.sticky:
        only = "httponly secure" if secure else "httponly"
        yield f"cookie {_COOKIE} insert indirect nocache {only} attr SameSite=Lax dynamic"


def server_lines(name: str, site: SiteRoute) -> Mapping[Place, Line]:
    """The servers of a site's backend."""
    lines = (server_line(name, server) for server in site.servers)
    return {line.place: line for line in lines}


def server_line(backend_name: str, server: Server, more: str = "") -> Line:
    """One server, checked."""
    address = checked_address(server.address, f"server {server.name}")
    answers = HostAddress(address, server.port)
    place = Place(backend_name, server_name(checked_name(server.name, backend_name), answers))
    check = f"check port {server.check_port}" if server.check_port else "check"
    words = (check, CHECK, "backup" if server.backup else "", more)
    return Line(place, str(answers), " ".join(word for word in words if word))
