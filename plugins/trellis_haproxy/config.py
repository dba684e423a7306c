"""Renders haproxy.cfg for HAProxy 2.6 and later; pure."""

from collections.abc import Iterable, Iterator

from trellis.values import digest
from trellis_haproxy.backends import backend
from trellis_haproxy.model import RUN, Proxy, SiteRoute
from trellis_haproxy.names import binds, checked_address, checked_domain, checked_name, checked_path, is_for, proxy_name
from trellis_haproxy.servers import structure_of
from trellis_haproxy.statistics import statistics
from trellis_haproxy.tcp import tcp_sections
from trellis_haproxy.tls import leads_to_tls, tls_frontend, tls_ports_of, tls_settings
from trellis_haproxy.twins import refuse_clashes

ASK = "config.trellis.invalid"
"""The Host header of the question which configuration a worker has; `.invalid` is nobody's (RFC 2606)."""

_TEXT = "text/plain; charset=utf-8"

_HEAD = """\
# Trellis writes this file, for stack {stack} in environment {environment}. The next run undoes other changes.
global
    master-worker
    log stdout format raw local0 notice
    stats socket {run}/admin.sock mode 600 level admin expose-fd listeners
    # Connections that outlast a reload, such as websockets, are closed after this time.
    hard-stop-after 10m
{tls}
defaults
    mode http
    log global
    balance roundrobin
    # A refused connection goes to the next server at once.
    option redispatch 1
    retries 3
    # A reload lets an idle client send its next request before it closes the connection.
    option idle-close-on-response
    timeout connect 5s
    timeout client 30s
    timeout client-fin 30s
    timeout server 60s
    timeout queue 30s
    timeout http-request 10s
    timeout http-keep-alive 10s
    timeout tunnel 1h
    timeout check 3s
    default-server init-addr last,libc,none
    http-error status 503 content-type "{text}" string "This site is not available at the moment.\\n"
"""

# Names that proxy_name() never makes, because it doubles an underscore or puts a code behind it.
_FRONTEND = """\
frontend _sites
{binds}
    # This machine may ask which configuration is loaded.
    http-request return status 200 content-type "{text}" string "{marker}" \
if {{ hdr(host) -i {ask} }} {{ src 127.0.0.0/8 ::1 }}
{leading}{client}{rules}    default_backend _no-site
{secure}{statistics}
backend _no-site
    http-request return status 404 content-type "{text}" string "There is no site at this address.\\n"
"""


def render(proxy: Proxy) -> tuple[str, str]:
    """The text of haproxy.cfg, and the digest that a worker which has loaded it answers: that of all but the servers.

    Raises:
        UsageError: a domain, a path or an address cannot be used, or two sites are the same.
    """
    found = digest(structure_of(_text(proxy, "")))
    return _text(proxy, marker(proxy.container, found)), found


def marker(container: str, config_digest: str) -> str:
    """What a worker answers: whose it is, because two stacks may have proxies on one host, and what it has loaded."""
    return f"{container} {config_digest}"


def _text(proxy: Proxy, marked: str) -> str:
    where = f"haproxy {checked_name(proxy.container, 'haproxy')}"
    sites = [_checked(site, where) for site in proxy.sites]
    refuse_clashes(sites, where)
    plain, secure = [site for site in sites if not site.tls], [site for site in sites if site.tls]
    tls_ports = tls_ports_of(proxy, secure, where)
    stack, environment = (checked_name(name, where) for name in (proxy.stack, proxy.environment))
    tls = tls_settings() if secure else ""
    head = _HEAD.format(stack=stack, environment=environment, run=RUN, text=_TEXT, tls=tls)
    frontend = _FRONTEND.format(
        binds="\n".join(f"    {line}" for port in sorted(proxy.ports) for line in binds(port)),
        marker=marked,
        ask=ASK,
        text=_TEXT,
        client=_lines(_client(proxy, where)),
        statistics=statistics(proxy),
        leading=leads_to_tls(secure, tls_ports),
        rules=_lines(_rules(plain)),
        secure=tls_frontend(tls_ports, _lines(_rules(secure))) if secure else "",
    )
    sections = ["\n".join(backend(site, f"{stack}/{environment}")) + "\n" for site in sites]
    return "\n".join([head, frontend, *sections, *tcp_sections(proxy, where)])


def _checked(site: SiteRoute, where: str) -> SiteRoute:
    where = f"{where}: site {site.domain!r}"
    domain = checked_domain(site.domain, where)
    aliases = dict.fromkeys(checked_domain(alias, where) for alias in site.aliases)
    return SiteRoute(
        domain,
        checked_path(site.path, where),
        checked_path(site.health_path, where, query=True) if site.health_path else "",
        site.servers,
        site.tls,
        tuple(alias for alias in aliases if alias != domain),
        site.handling,
        site.in_front,
    )


def _client(proxy: Proxy, where: str) -> Iterator[str]:
    """What is told about the client; proxies in front know who it is and how it came."""
    if not proxy.behind:
        yield "option forwardfor"
        yield "http-request set-header X-Forwarded-Proto http"
        return
    in_front = " ".join(checked_address(address, where) for address in proxy.behind)
    yield f"http-request add-header X-Forwarded-For %[src] unless {{ src {in_front} }}"
    yield f"http-request set-header X-Forwarded-Proto http unless {{ src {in_front} }}"


def _lines(rules: Iterable[str]) -> str:
    return "".join(f"    {rule}\n" for rule in rules)


def _rules(sites: Iterable[SiteRoute]) -> Iterator[str]:
    """One line a name of a site; below one domain the longest path comes first."""
    named = ((name, site) for site in sites for name in site.names)
    for name, site in sorted(named, key=lambda pair: (pair[0], -len(pair[1].path), pair[1].path)):
        below = site.path.rstrip("/")
        # With a slash at its end, so that /shop is not taken for the start of /shopping.
        path = f" {{ path,concat(/) -m beg {below}/ }}" if below else ""
        yield f"use_backend {proxy_name(site.domain, site.path)} if {{ {is_for(name)} }}{path}"
