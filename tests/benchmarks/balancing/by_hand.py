"""HAProxy as somebody configures it by hand for the same site, in front of the same instances."""

from collections.abc import Sequence

HTTP, HTTPS = 18080, 18443
CERTIFICATE = "/certs/site.pem"

_CONFIG = """\
global
    master-worker
    log stdout format raw local0 notice
    stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd listeners
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    log global
    option forwardfor
    timeout connect 5s
    timeout client 30s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 10s

frontend web
    bind :{http}
    http-request set-header X-Forwarded-Proto http
    use_backend plain if {{ hdr(host) -i {plain} }}
    default_backend none

frontend web-tls
    bind :{https} ssl crt {certificate} alpn h2,http/1.1
    http-request set-header X-Forwarded-Proto https
    use_backend secure if {{ hdr(host) -i {secure} }}
    default_backend none

backend none
    http-request deny deny_status 404

backend plain
{servers}

backend secure
{servers}
"""


def config(plain: str, secure: str, servers: Sequence[str]) -> str:
    """haproxy.cfg for a name over plain HTTP and one over TLS; servers as ``10.0.0.11:20001``."""
    lines = "\n".join(f"    server s{number} {address} check" for number, address in enumerate(servers, 1))
    return _CONFIG.format(http=HTTP, https=HTTPS, certificate=CERTIFICATE, plain=plain, secure=secure, servers=lines)
