"""Endpoints that a proxy offers over TCP; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from trellis.errors import UsageError
from trellis_haproxy.backends import server_line
from trellis_haproxy.model import Proxy, TcpRoute
from trellis_haproxy.names import binds, checked_endpoint, checked_path

_DEFAULTS = """\
defaults
    mode tcp
    log global
    balance leastconn
    option redispatch 1
    retries 3
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout check 3s
"""


def tcp_sections(proxy: Proxy, where: str) -> Iterator[str]:
    """The section of each endpoint, after their own defaults.

    Raises:
        UsageError: two things listen on one port.
    """
    refuse_shared_ports(proxy, where)
    if proxy.tcp:
        yield _DEFAULTS
    for route in proxy.tcp:
        yield "\n".join(_section(route, where)) + "\n"


def _section(route: TcpRoute, where: str) -> Iterator[str]:
    name = f"tcp:{checked_endpoint(route.name, where)}"
    yield f"listen {name}"
    yield from (f"    {line}" for line in binds(route.port))
    milliseconds = round(route.timeout * 1000)
    yield f"    timeout client {milliseconds}ms"
    yield f"    timeout server {milliseconds}ms"
    if route.check:
        yield "    option httpchk"
        yield f"    http-check send meth GET uri {checked_path(route.check, where, query=True)} ver HTTP/1.0"
        yield "    http-check expect status 200-399"
    for number, server in enumerate(route.servers):
        waits = route.one_active and number > 0
        cut = "on-marked-down shutdown-sessions"
        if route.one_active and not waits:
            cut += " on-marked-up shutdown-backup-sessions"
        yield str(server_line(name, replace(server, backup=waits or server.backup), cut))


def refuse_shared_ports(proxy: Proxy, where: str) -> None:
    """Refuse two things that would listen on one port of the host.

    Raises:
        UsageError: it names both.
    """
    wanted: Sequence[tuple[int, str]] = (
        *((port, "the sites") for port in proxy.ports),
        *((port, "the sites over TLS") for port in proxy.tls_ports),
        *(((proxy.statistics_port, "the statistics"),) if proxy.statistics_port else ()),
        *((route.port, route.name) for route in proxy.tcp),
    )
    taken: dict[int, str] = {}
    for port, whose in wanted:
        if port in taken:
            raise UsageError(
                f"{taken[port]} and {whose} both need port {port} of this proxy",
                where=where,
                hint="give one of them another: listens(..., balanced=balanced(13306))",
            )
        taken[port] = whose
