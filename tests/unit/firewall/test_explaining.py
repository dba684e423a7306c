"""Whether a path is open, in words, and what people may type to ask for it."""

from collections.abc import Callable

import pytest

from trellis.errors import UsageError
from trellis.firewall.asking import client_of, server_of
from trellis.firewall.desiring import rulesets
from trellis.firewall.explaining import Verdict, judge, lines_of, names_in
from trellis.firewall.ground import Ground

MakeGround = Callable[..., Ground]


def verdict(ground: Ground, client: str, server: str) -> Verdict:
    at = server_of(server, ground)
    return judge(client_of(client, ground), at.host, at.protocol, at.port, rulesets(ground), ground)


@pytest.mark.parametrize(
    ("client", "server", "reason"),
    [
        ("b", "db-1:sql", "tcp 3306 (db-1 DB.sql) lets it in: Web.db connects to DB.sql"),
        ("203.0.113.77", "a:3306", "tcp 3306 (db-1 DB.sql) lets it in: DB.office allows it from 203.0.113.0/24"),
        ("a", "a:3306", "a itself always reaches tcp 3306 (db-1 DB.sql)"),
        ("192.0.2.1", "c:8080", "tcp 8080 (web-2 Web.http) lets it in: Web.http is public"),
        ("192.0.2.1", "a:22", "Trellis and operators come in there by ssh"),
        ("192.0.2.1", "a:9999", "tcp 9999 on a is no port of the stack: Trellis leaves it alone"),
    ],
)
def test_an_open_path_names_what_opens_it(ground: MakeGround, client: str, server: str, reason: str) -> None:
    assert verdict(ground(), client, server) == Verdict(open=True, reasons=(reason,))


def test_a_closed_path_says_so(ground: MakeGround) -> None:
    made = ground()
    assert verdict(made, "192.0.2.1", "a:3306") == Verdict(
        open=False, reasons=("nothing opens tcp 3306 (db-1 DB.sql) on a to 192.0.2.1",)
    )
    assert verdict(ground(exclusive=True), "192.0.2.1", "a:9999").reasons == (
        "a is exclusive, and nothing opens tcp 9999 to 192.0.2.1",
    )


def test_an_instance_may_connect_to_what_it_declares_alone(ground: MakeGround) -> None:
    made = ground(egress="declared")
    assert verdict(made, "web-2", "db-1:sql").open
    refused = verdict(made, "db-1", "web-2:http")
    assert not refused.open
    assert refused.reasons[0] == "db-1 may connect to what it declares only, and declares no connection to it"


@pytest.mark.parametrize(
    ("client", "server", "is_open", "reason"),
    [
        ("web-2", "203.0.113.9:443", True, "web-2 may connect to it: Web.payments allows it to 203.0.113.0/24"),
        ("web-2", "203.0.113.9:80", False, "web-2 may connect to what it declares only"),
        ("web-2", "[2001:db8::9]:7/udp", True, "web-2 may connect to it: Front.probes allows it to 2001:db8::/32"),
        ("db-1", "203.0.113.9:443", False, "db-1 may connect to what it declares only"),
        ("c", "203.0.113.9:443", True, "203.0.113.9 is no host of the environment, and c is not limited"),
    ],
)
def test_networks_that_operators_name_are_open_to_the_service_or_to_all_of_the_role(
    ground: MakeGround,
    client: str,
    server: str,
    *,
    is_open: bool,
    reason: str,
) -> None:
    found = verdict(ground(egress="declared"), client, server)
    assert found.open is is_open
    assert found.reasons[0].startswith(reason)


def test_every_path_is_a_line_with_its_reason(ground: MakeGround) -> None:
    made = ground()
    found = list(lines_of("c", rulesets(made)["c"], names_in(made)))
    assert [(line.direction, line.who, line.port, line.peers, line.why) for line in found] == [
        ("in", "web-2 Web.http", 8080, ("anyone",), "Web.http is public"),
        ("out", "web-2", 3306, ("a (10.0.0.1)",), "Web.db connects to DB.sql"),
    ]


@pytest.mark.parametrize(
    ("client", "server", "what"),
    [
        ("wbe-2", "a:1", "wbe-2 is no host, no instance and no address; did you mean web-2?"),
        ("a", "a", "a has no port"),
        ("a", "db-1:sqll", "DB has no endpoint sqll"),
        ("a", "a:sql", "sql is not a port of a host"),
        ("a", "d:1", "d is no host, no instance and no address"),
    ],
)
def test_ends_that_are_none_are_told(ground: MakeGround, client: str, server: str, what: str) -> None:
    with pytest.raises(UsageError, match=what.replace("?", r"\?")):
        verdict(ground(), client, server)
