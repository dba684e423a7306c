"""What haproxy.cfg says about sites over TLS; pure.

Ciphers and versions are Mozilla's "intermediate" (https://ssl-config.mozilla.org), without DHE ciphers, which need a
parameter file and which no current client needs.

A client that sends no name, or one for which there is no certificate, is refused in the handshake (``strict-sni``): no
site answers for another one, and a proxy starts before its certificates are there.
"""

from collections.abc import Iterable, Iterator, Sequence

from trellis.errors import UsageError
from trellis_haproxy.model import CERTIFICATES, CHALLENGES, ETC, Proxy, SiteRoute
from trellis_haproxy.names import binds, is_for

_HTTPS = 443
_NAMES_A_LINE = 7
"""HAProxy 2.6 takes 2,047 characters a line, and a name may have 253."""

_SETTINGS = """\
    # Mozilla's intermediate settings.
    ssl-default-bind-ciphers {ciphers}
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
    ssl-default-bind-options prefer-client-ciphers ssl-min-ver TLSv1.2 no-tls-tickets
"""
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)

_FRONTEND = """
frontend _sites-tls
{binds}    option forwardfor
    http-request set-header X-Forwarded-Proto https
{rules}    default_backend _no-site
"""

# One account answers for all names: the token comes with the question, the thumbprint is the account's (RFC 8555 §8.3).
_CHALLENGE = (
    "http-request return status 200 content-type application/octet-stream "
    f'lf-string "%[path,field(4,/)].%[str(account),map({ETC}/{CHALLENGES})]" '
    "if { path_beg /.well-known/acme-challenge/ } _tls-name "
    "{ path -m reg ^/[.]well-known/acme-challenge/[A-Za-z0-9_-]+$ } "
    f"{{ str(account),map({ETC}/{CHALLENGES}) -m found }}"
)


def tls_settings() -> str:
    """Lines for the section ``global``."""
    return _SETTINGS.format(ciphers=":".join(_CIPHERS))


def tls_ports_of(proxy: Proxy, secure: Sequence[SiteRoute], where: str) -> tuple[int, ...]:
    """The ports for TLS, sorted.

    Raises:
        UsageError: there are sites over TLS and no port for them.
    """
    if secure and not proxy.tls_ports:
        raise UsageError(
            f"{secure[0]} is served over TLS, but this proxy has no port for it",
            where=where,
            hint="declare https = listens(443, public=True, tls=True) in its class, or say tls=False at the site",
        )
    return tuple(sorted(proxy.tls_ports))


def leads_to_tls(secure: Iterable[SiteRoute], ports: Sequence[int]) -> str:
    """Lines of the plain frontend: challenges of certificate authorities are answered, all else is sent to TLS."""
    return "".join(f"    {line}\n" for line in _leading(secure, ports))


def _leading(secure: Iterable[SiteRoute], ports: Sequence[int]) -> Iterator[str]:
    names = sorted({name for site in secure for name in site.names})
    if not names:
        return
    for start in range(0, len(names), _NAMES_A_LINE):
        yield f"acl _tls-name {is_for(*names[start : start + _NAMES_A_LINE])}"
    yield "# A certificate authority asks every proxy, and every proxy has the answer."
    yield _CHALLENGE
    port = "" if _HTTPS in ports else f":{ports[0]}"
    yield f"http-request redirect code 308 location https://%[req.hdr(host),host_only,lower]{port}%[pathq] if _tls-name"


def tls_frontend(ports: Sequence[int], rules: str) -> str:
    """The frontend of the sites over TLS."""
    crt = f"{ETC}/{CERTIFICATES}/"
    options = f"ssl crt {crt} strict-sni alpn h2,http/1.1"
    lines = "".join(f"    {line}\n" for port in ports for line in binds(port, options))
    return _FRONTEND.format(binds=lines, rules=rules)
