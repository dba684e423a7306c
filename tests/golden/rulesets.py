"""Known rulesets, whose text every firewall's tests hold to a golden file."""

from trellis.firewall.model import ANYONE, Allowance, Exit, Guard, Limit, Opening, Ruleset, Target

DB = Guard(
    "tcp",
    23306,
    "10.0.0.11",
    "mariadb-1 MariaDB.sql",
    (
        Allowance(("10.0.0.12", "10.0.0.13"), ("02:00:00:00:00:10",), "Website.database connects to MariaDB.sql"),
        Allowance(("203.0.113.0/24", "2001:db8::/32"), (), "MariaDB.office allows it from 2001:db8::/32"),
    ),
)
DNS = Guard("udp", 5300, "", "names-1 Names.dns", (Allowance(("10.0.0.12",), (), "Web.names connects to Names.dns"),))
SIX = Guard("tcp", 24000, "2001:db8::11", "api-1 API.http", ())
SITE = Guard("tcp", 80, "", "proxy-1 Proxy.http", (Allowance(ANYONE, (), "Proxy.http is public"),))
WEB = Limit(
    "website-1",
    ("02:00:00:00:00:10", "02:00:00:00:00:11"),
    (
        Target("tcp", 23306, ("10.0.0.11", "2001:db8::11"), "Website.database connects to MariaDB.sql"),
        Target("tcp", 443, ("203.0.113.0/24", "2001:db8::/32"), "Website.payments allows it to 203.0.113.0/24"),
        Target("udp", 0, ("198.51.100.7",), "Web.probes allows it to 198.51.100.7"),
    ),
)

AWAY = Exit(
    "tcp",
    (("10.0.0.12", 23306), ("10.0.0.13", 23306), ("2001:db8::12", 23306)),
    ("02:00:00:00:00:10",),
    "Website.database connects to MariaDB.sql",
)
FORBIDDEN = Exit("udp", (("10.0.0.13", 5300),), (), "Proxy serves the site shop.example")

RULESETS = {
    "exits": Ruleset(exits=(AWAY, FORBIDDEN), ssh_ports=(22,)),
    "guards": Ruleset((SITE, DNS, DB, SIX), ssh_ports=(22,)),
    "egress": Ruleset((DB,), limits=(WEB, Limit("cron-1", ("02:00:00:00:00:20",), ())), ssh_ports=(22,)),
    "exclusive": Ruleset(
        (SITE, DB),
        openings=(Opening("tcp", 9100, ("198.51.100.8",), "Data.metrics allows it from 198.51.100.8"),),
        exclusive=True,
        ssh_ports=(2222,),
    ),
}
