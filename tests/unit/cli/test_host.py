import json
from datetime import UTC, datetime
from pathlib import Path

from trellis.hosts import HostFacts
from trellis.scanning import HostScan, document
from trellis.state.store import open_store


def hosts(trellis):
    return {host.pop("name"): host for host in json.loads(trellis("host", "list", "--json")[1])["hosts"]}


def test_a_host_is_added_as_it_was_described(trellis):
    code, _, err = trellis(
        "host", "add", "ny1", "--connect", "ssh://deploy@10.0.0.11", "--role", "Web", "--label", "zone=a=b",
        "--option", "jump=gate",
    )  # fmt: skip
    assert (code, err) == (0, "added ny1 to dev; next: trellis scan -e dev --host ny1\n")
    assert hosts(trellis)["ny1"] == {
        "connect": "ssh://deploy@10.0.0.11",
        "address": "10.0.0.11",
        "roles": ["Web"],
        "labels": {"zone": "a=b"},
        "options": {"jump": "gate"},
        "draining": False,
        "scan": None,
    }


def keep(project: Path, scan: HostScan) -> None:
    store = open_store(f"sqlite:///{project}/.trellis/state.db")
    store.scans.keep("dev", document([scan]))
    store.close()


def test_hosts_are_listed_with_what_the_last_scan_found_and_when(trellis, project):
    at = datetime(2026, 11, 24, 20, 41, tzinfo=UTC)
    facts = HostFacts(cpus=2.0, memory=2 << 30, os="debian 12", docker="20.10.24", account="ann sudo")
    keep(project, HostScan("here", at, facts))
    assert "2026-11-24T20:41:00+00:00: debian 12, 2 cpus, Docker 20.10.24" in trellis("host", "list")[1]
    assert hosts(trellis)["here"]["scan"]["facts"]["memory"] == 2 << 30
    keep(project, HostScan("here", at, failure="here did not answer"))
    assert "debian 12" in trellis("host", "list")[1]  # what was known stays known


def test_a_host_is_not_added_twice_nor_half_described(trellis, project):
    before = (project / "environments" / "dev.yaml").read_text()
    assert trellis("host", "add", "here", "--connect", "local://")[0] == 2
    assert trellis("host", "add", "ny1", "--connect", "10.0.0.11")[0] == 2
    assert trellis("host", "add", "ny1", "--connect", "local://", "--label", "zone")[0] == 2
    assert (project / "environments" / "dev.yaml").read_text() == before


def test_removing_a_host_needs_a_word(trellis):
    code, _, err = trellis("host", "remove", "here")
    assert code == 2
    assert "add --yes" in err
    assert list(hosts(trellis)) == ["here"]
    assert trellis("host", "remove", "here", "--yes")[0] == 0
    assert hosts(trellis) == {}


def test_a_host_that_is_not_there_is_told_those_that_are(trellis):
    code, _, err = trellis("host", "trust", "nowhere", "--fingerprint", "SHA256:x")
    assert code == 2
    assert "there is no host nowhere; there are here" in err


def test_a_local_host_has_no_key_to_trust(trellis):
    code, _, err = trellis("host", "trust", "here", "--fingerprint", "SHA256:x")
    assert code == 2
    assert "here is reached by local://, which has no host keys" in err
