"""Scans of several hosts at once, and Docker Engine on a host that had none."""

import json
import time

from trellis.bootstrapping import bootstrap, plan_bootstrap
from trellis.facts.gathering import gather_facts
from trellis.scanning import document, keep, kept, scan_hosts
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
    keep(tmp_path / "scan.json", scans)
    lab.partition("h2")
    keep(tmp_path / "scan.json", await scan_hosts(hosts, SshConnector().connect, counters))
    assert [(one["name"], one["reachable"]) for one in kept(tmp_path / "scan.json")] == [
        ("h1", True), ("h2", True), ("h3", False),
    ]  # fmt: skip


async def test_a_host_without_docker_gets_it(new_lab, lab_host, connect):
    lab = new_lab(1, bare=True)
    session = await connect(lab_host(lab, "h1"))
    (scan,) = await scan_hosts([session.host], SshConnector().connect)
    assert [(one.what, one.hint) for one in scan.shortcomings] == [
        ("there is no Docker Engine", "trellis host bootstrap h1")
    ]
    shown: list[str] = []
    started = time.monotonic()
    await bootstrap(session, plan_bootstrap("h1", await gather_facts(session)), lambda one: shown.append(one.why))
    assert time.monotonic() - started < 300
    assert len(shown) == 4
    facts = await gather_facts(session)
    assert facts.docker
    assert plan_bootstrap("h1", facts) == ()
