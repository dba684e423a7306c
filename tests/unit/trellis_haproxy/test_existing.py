"""An operator's own configuration: what clashes is found before anything is written."""

from trellis_haproxy.existing import clashes

OURS = """\
frontend _sites
    bind [::]:80 v4v6
    bind [::]:8443 v4v6 ssl crt /etc/haproxy/certs/

frontend _statistics
    bind unix@/run/haproxy/statistics.sock mode 600

backend shop.example
"""


def test_what_both_claim_is_named():
    existing = """\
global
    maxconn 4000
frontend legacy
    bind 10.0.0.1:80,:9000-9002
backend shop.example
    server a 10.0.0.9:80
"""
    assert clashes(existing, OURS) == [
        "both have a section named shop.example",
        "both bind port 80: theirs in legacy, Trellis in _sites",
    ]
    assert clashes(existing, "listen tcp:A.b\n    bind [::]:9001 v4v6\n") == [
        "both bind port 9001: theirs in legacy, Trellis in tcp:A.b"
    ]


def test_what_stands_beside_each_other_is_no_clash():
    existing = "frontend legacy\n  bind *:8080\n  bind /run/x.sock\n  default_backend old\nbackend old\n  # bind :80\n"
    assert clashes(existing, OURS) == []
    assert clashes("", OURS) == []
