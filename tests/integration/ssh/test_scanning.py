"""Scans of several hosts at once, and Docker Engine on a host that had none."""

import json

from trellis.scanning import document, scan_hosts
from trellis.state.store import open_store
from trellis_docker import trellis_providers
from trellis_ssh.connector import SshConnector


async def test_hosts_are_scanned_together_and_one_that_is_gone_is_said_so(new_lab, lab_host, built_images, tmp_path):
    built_images("trellis-test/echo:1")
    lab = new_lab(3)
    lab.load("trellis-test/echo:1")
    publish = ["docker", "run", "-d", "--name", "foreign", "--memory", "64m", "--cpus", "0.5", "-p", "8099:8080"]
    assert lab.execute("h1", *publish, "trellis-test/echo:1")[0] == 0
    lab.partition("h3")
    hosts = [lab_host(lab, host.name, timeout="2") for host in lab.hosts]
    counters = [one for one in trellis_providers() if hasattr(one, "foreign_use")]
    scans = await scan_hosts(hosts, SshConnector().connect, counters)
    assert [(scan.host, scan.usable) for scan in scans] == [("h1", True), ("h2", True), ("h3", False)]
    facts = scans[0].facts
    assert facts is not None
    assert facts.foreign.memory == 64 * 1024 * 1024
    assert ("tcp", 8099) in facts.foreign.ports
    assert scans[2].failure.startswith(f"h3 (deploy@{lab.host('h3').address})")
    assert json.loads(json.dumps(document(scans)))[1]["facts"]["docker"]
    store = open_store(f"sqlite:///{tmp_path}/state.db")
    store.scans.keep("dev", document(scans))
    lab.partition("h2")
    store.scans.keep("dev", document(await scan_hosts(hosts, SshConnector().connect, counters)))
    known = store.scans.last("dev")
    store.close()
    assert {name: one["reachable"] for name, one in known.items()} == {"h1": True, "h2": True, "h3": False}


def test_a_host_without_docker_gets_it_after_it_was_shown_and_agreed_to(new_lab, workplace):
    lab = new_lab(1, bare=True)
    place = workplace(lab, "bare", "")
    place.environment({"h1": []})
    scanned = place.trellis("scan", "--json").document["hosts"]
    assert scanned[0]["shortcomings"] == [{"what": "there is no Docker Engine", "hint": "trellis host bootstrap h1"}]
    shown = place.trellis("host", "bootstrap", "h1", status=2)
    assert "apt-get install" in shown.out
    assert "add --yes" in shown.err
    assert lab.execute("h1", "sh", "-c", "command -v dockerd")[0] != 0  # shown, and not done
    done = place.trellis("host", "bootstrap", "h1", "--yes", timeout=300)
    assert done.out == shown.out
    assert done.err.splitlines()[-1] == "h1 has Docker Engine now"
    assert lab.execute("h1", "docker", "version", "--format", "{{.Server.Version}}")[0] == 0
    again = place.trellis("host", "bootstrap", "h1")
    assert (again.out, again.err) == ("", "h1 has Docker Engine already\n")
    assert place.trellis("scan", "--json").document["hosts"][0]["usable"]
