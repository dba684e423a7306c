"""Drift: told from what Trellis last did, not from what the stack asks for."""

from collections.abc import Mapping
from datetime import UTC, datetime

from trellis.blueprint import Blueprint, EndpointSpec, ServiceSpec
from trellis.drifting import find_drift
from trellis.hosts import ForeignUse, Host, HostFacts
from trellis.observing import Observed
from trellis.plans import Drift
from trellis.plugin.contracts import Scope
from trellis.remembering import Memory, left_alone, made_of, parse_key
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.scanning import HostScan, document
from trellis.state.records import Made
from trellis.values import freeze_mapping
from trellis_docker.provider import DockerProvider

WEB = ResourceKey("container", "web-1", "ny1")
PORT = {"endpoint": "http", "container_port": 80, "host_port": 20001}
SPEC = freeze_mapping({"name": "shop-dev-web-1", "image": "web:1", "env": {}, "ports": [PORT]})
PROVIDERS = {"container": DockerProvider()}


def container(*, status: str = "running") -> Actual:
    state = freeze_mapping({"name": "shop-dev-web-1", "status": status, "running": status == "running"})
    return Actual(WEB, SPEC, state, Owner("Web", "Web", 1))


def seen(*actuals: Actual, foreign: tuple[int, ...] = (), problem: str = "") -> Mapping[str, Observed]:
    facts = HostFacts(foreign=ForeignUse(ports=frozenset(("tcp", port) for port in foreign)))
    return {"ny1": Observed(Host("ny1"), Scope("shop", "dev"), facts=facts, actuals=actuals, problem=problem)}


def memory(*made: Made) -> Memory:
    known = Memory("sqlite:///nowhere", "dev")
    known._made = {parse_key(one.key): one for one in made}
    known._scans = {}
    return known


def drift(observed: Mapping[str, Observed], *made: Made, blueprint: Blueprint | None = None) -> list[tuple[str, str]]:
    found = find_drift(observed, PROVIDERS, memory(*made), blueprint or Blueprint("shop"))
    return [(str(one.key), one.what) for one in found]


def test_what_is_as_it_was_made_has_no_drift() -> None:
    assert drift(seen(container()), Made(str(WEB))) == []


def test_a_stopped_container_and_whoever_took_its_port_are_drift() -> None:
    assert drift(seen(container(status="exited"), foreign=(20001,)), Made(str(WEB))) == [
        (str(WEB), "its port tcp/20001 is taken by something that is not Trellis's"),
        (str(WEB), "was stopped by hand"),
    ]


def test_what_was_made_and_is_missing_was_removed_by_hand() -> None:
    assert drift(seen(), Made(str(WEB))) == [(str(WEB), "removed by hand")]


def test_what_a_killed_run_was_at_is_not_drift_when_it_is_missing() -> None:
    assert drift(seen(), Made(str(WEB), certain=False)) == []


def test_nothing_is_missing_on_a_host_that_does_not_answer() -> None:
    assert drift(seen(problem="it hangs"), Made(str(WEB))) == []


def test_the_port_that_a_removed_container_needs_is_looked_at() -> None:
    blueprint = Blueprint(
        "shop", services=(ServiceSpec("Web", "web:1", endpoints=(EndpointSpec("http", 80, host_port=443),)),)
    )
    found = drift(seen(foreign=(443,)), Made(str(WEB)), blueprint=blueprint)
    assert found[0] == (str(WEB), "its port tcp/443 is taken by something that is not Trellis's")


def test_an_image_that_is_gone_is_no_drift_and_names_may_hold_any_sign() -> None:
    key = ResourceKey("image", "registry:5000/web@sha256:1", "ny1")
    assert parse_key(str(key)) == key
    assert drift(seen(), Made(str(key))) == []


def test_a_silent_host_has_what_is_known_to_be_there() -> None:
    resource = Resource(WEB, SPEC, Owner("Web", "Web", 1))
    known = memory(made_of(resource, b"salt"))
    (actual,) = known.with_silent_hosts(seen(problem="it hangs"))["ny1"].actuals
    assert (actual.key, actual.owner, actual.spec["ports"]) == (WEB, Owner("Web", "Web", 1), SPEC["ports"])
    assert known.with_silent_hosts(seen(container()))["ny1"].actuals == (container(),)
    assert left_alone(known.with_silent_hosts(seen(problem="it hangs"))) == {
        "ny1": "web-1 on ny1 is left alone and not moved"
    }


def test_a_silent_host_is_what_its_last_scan_found_but_for_what_it_has_left() -> None:
    known = memory()
    facts = HostFacts(cpus=2.0, memory=1 << 30, disk=1 << 34, os="debian 12", docker="20.10.24", account="ann sudo")
    known._scans = {"ny1": document([HostScan("ny1", datetime(2026, 1, 2, tzinfo=UTC), facts)])[0]}
    silent = known.with_silent_hosts(seen(problem="it hangs"))["ny1"].facts
    assert silent == HostFacts(os="debian 12", docker="20.10.24", account="ann sudo")
    assert known.with_silent_hosts(seen(foreign=(80,)))["ny1"].facts.foreign.ports == {("tcp", 80)}


def test_drift_is_sorted_by_resource() -> None:
    other = ResourceKey("container", "db-1", "ny1")
    assert [one for one, _ in drift(seen(), Made(str(WEB)), Made(str(other)))] == [str(other), str(WEB)]
    assert Drift(other, "x") < Drift(WEB, "a")
