"""What a scan says, and what is kept of it."""

from datetime import UTC, datetime, timedelta

from trellis.facts.judging import Shortcoming
from trellis.hosts import ForeignUse, HostFacts, Interface
from trellis.scanning import HEADINGS, HostScan, document, facts_of, last_seen, remarks, row
from trellis.state.store import open_store

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FACTS = HostFacts(
    cpus=2.0,
    memory=1 << 30,
    disk=1 << 34,
    os="debian 12",
    kernel="6.1.0",
    docker="20.10.24",
    account="deploy sudo",
    foreign=ForeignUse(0.5, 1 << 26, frozenset({("tcp", 8099)})),
    interfaces=(Interface("eth0", ("10.0.0.11/24",), default_route=True),),
    listening=frozenset({("tcp", 22), ("udp", 53)}),
    extra={"hostname": "ny1"},
)


def test_a_scan_as_a_document():
    assert document([HostScan("ny1", AT, FACTS)]) == [
        {
            "name": "ny1",
            "at": "2026-01-02T03:04:05+00:00",
            "reachable": True,
            "usable": True,
            "failure": "",
            "shortcomings": [],
            "facts": {
                "cpus": 2.0,
                "memory": 1 << 30,
                "disk": 1 << 34,
                "os": "debian 12",
                "kernel": "6.1.0",
                "docker": "20.10.24",
                "account": "deploy sudo",
                "data_dir": "/var/lib/trellis",
                "interfaces": [
                    {"name": "eth0", "addresses": ("10.0.0.11/24",), "internet_facing": False, "default_route": True}
                ],
                "listening": ["tcp/22", "udp/53"],
                "foreign": {"cpu": 0.5, "memory": 1 << 26, "ports": ["tcp/8099"]},
                "extra": {"hostname": "ny1"},
            },
        }
    ]


def test_a_host_with_a_shortcoming_is_not_usable():
    scan = HostScan("ny1", AT, FACTS, (Shortcoming("there is no Docker Engine", "install it"),))
    assert not scan.usable
    assert document([scan])[0]["shortcomings"] == [{"what": "there is no Docker Engine", "hint": "install it"}]


def test_a_host_that_could_not_be_asked_keeps_what_was_known(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    assert store.scans.last("prod") == {}
    store.scans.keep("prod", document([HostScan("ny1", AT, FACTS), HostScan("ny2", AT, failure="gone")]))
    store.scans.keep("prod", document([HostScan("ny1", datetime(2027, 1, 1, tzinfo=UTC), failure="gone")]))
    known = store.scans.last("prod")
    store.close()
    assert {name: (one["at"], one["reachable"]) for name, one in known.items()} == {
        "ny1": ("2026-01-02T03:04:05+00:00", True),
        "ny2": ("2026-01-02T03:04:05+00:00", False),
    }
    assert (facts_of(known["ny1"]), facts_of(known["ny2"])) == (FACTS, None)


def test_when_it_was_last_seen_is_told_in_words():
    (seen,) = document([HostScan("ny1", AT, FACTS)])
    for later, words in ((30, "just now"), (90, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago")):
        assert (
            last_seen(seen, AT + timedelta(seconds=later))
            == f"last scanned {words}: debian 12, 2 cpus, Docker 20.10.24"
        )
    assert last_seen(None, AT) == last_seen({"at": AT.isoformat(), "facts": None}, AT) == ""


def test_a_scan_as_a_line_of_a_table():
    line = row(HostScan("ny1", AT, FACTS))
    assert dict(zip(HEADINGS, line, strict=True)) == {
        "HOST": "ny1",
        "SYSTEM": "debian 12",
        "CPUS": "2",
        "MEMORY": "1 GiB",
        "FREE DISK": "16 GiB",
        "DOCKER": "20.10.24",
        "ACCOUNT": "deploy sudo",
        "FACES": "private",
        "OTHERS USE": "0.5 cpus; 64 MiB; tcp/8099",
    }


def test_a_host_that_could_not_be_asked_has_a_line_and_a_sentence():
    scan = HostScan("ny2", AT, failure="ny2 (10.0.0.2) did not answer within 10 s", hint="try: ssh 10.0.0.2")
    assert row(scan) == ("ny2", "unreachable", "-", "-", "-", "-", "-", "-", "-")
    assert remarks(scan) == (("ny2 (10.0.0.2) did not answer within 10 s", "try: ssh 10.0.0.2"),)


def test_what_is_not_known_is_a_hyphen():
    assert row(HostScan("ny1", AT, HostFacts(account="ann plain"))) == (
        "ny1", "-", "-", "-", "-", "-", "ann plain", "private", "-",
    )  # fmt: skip


def test_each_shortcoming_is_a_sentence_with_what_to_do():
    scan = HostScan("ny1", AT, FACTS, (Shortcoming("there is no Docker Engine", "trellis host bootstrap ny1"),))
    assert remarks(scan) == (("ny1: there is no Docker Engine", "trellis host bootstrap ny1"),)
