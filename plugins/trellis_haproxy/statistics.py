"""The statistics page and the Prometheus endpoint, which are not public; pure."""

from trellis_haproxy.model import RUN, Proxy

_SECTION = """
frontend _statistics
    # For whoever may read this socket: curl --unix-socket …/run/statistics.sock http://haproxy/metrics
    bind unix@{run}/statistics.sock mode 600
{port}    option dontlog-normal
    http-request use-service prometheus-exporter if {{ path /metrics }}
    stats enable
    stats uri /
    stats refresh 10s
    stats show-legends
"""


def statistics(proxy: Proxy) -> str:
    """The section; it listens on a socket that root alone may open, and on loopback where a port is given."""
    port = f"    bind 127.0.0.1:{proxy.statistics_port}\n" if proxy.statistics_port else ""
    return _SECTION.format(run=RUN, port=port)
