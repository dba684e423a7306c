"""The backends of sites, and the servers in them; pure."""

from collections.abc import Iterator, Mapping

from trellis.deployment import HostAddress
from trellis_haproxy.model import Server, SiteRoute
from trellis_haproxy.names import checked_address, checked_name, proxy_name
from trellis_haproxy.servers import Line, Place, server_name

CHECK = "check inter 2s fall 2 rise 1"
"""In every line, as a server that is added while HAProxy runs does not read ``default-server``."""


def backend(site: SiteRoute) -> Iterator[str]:
    """The lines of a site's backend; its servers come last."""
    name = proxy_name(site.domain, site.path)
    yield f"backend {name}"
    if site.health_path:
        yield "    option httpchk"
        yield f"    http-check send meth GET uri {site.health_path} ver HTTP/1.1 hdr Host {site.domain}"
        yield "    http-check expect status 200-399"
    yield from map(str, server_lines(name, site).values())


def server_lines(name: str, site: SiteRoute) -> Mapping[Place, Line]:
    """The servers of a site's backend."""
    lines = (_line(name, server) for server in site.servers)
    return {line.place: line for line in lines}


def _line(backend_name: str, server: Server) -> Line:
    address = checked_address(server.address, f"server {server.name}")
    answers = HostAddress(address, server.port)
    place = Place(backend_name, server_name(checked_name(server.name, backend_name), answers))
    return Line(place, str(answers), CHECK)
