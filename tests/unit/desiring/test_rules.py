"""Every rule of placement, from the text of a stack to the container on its host; no host is needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from trellis.desiring.binding import classes_of
from trellis.desiring.placed import deployment
from trellis.desiring.placement import ShortfallError, placed
from trellis.desiring.problem import Asking, check_asking, placement_problem
from trellis.desiring.resources import desired
from trellis.environments.loading import parse_environment
from trellis.environments.project import find_project
from trellis.errors import ConfigError, DoesNotFitError
from trellis.evaluating import evaluate
from trellis.hosts import ForeignUse, HostFacts
from trellis.loading import load_stack
from trellis.observing import Observed
from trellis.placing.model import Placement
from trellis.plugin.contracts import Scope
from trellis.resources import Actual, Owner, ResourceKey
from trellis.values import freeze_mapping

GIB = 1 << 30
HEAD = """
from trellis import Role, Service, Stack, Storage, at_least, between, exactly, listens, mounts, one_per_host
from trellis import one_per_role, runs

shop = Stack("shop")

"""
FACTS = HostFacts(cpus=4.0, memory=8 * GIB, disk=100 * GIB, os="debian 12", docker="24.0.7", kernel="6.1")


@dataclass
class Site:
    """A project in a folder, its hosts' facts, and what runs there."""

    folder: Path
    stack: str
    environment: str
    facts: dict[str, HostFacts] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    actuals: tuple[Actual, ...] = ()

    def place(self, asking: Asking | None = None) -> Placement:
        return self._placed(asking or Asking())[1]

    def containers(self, asking: Asking | None = None) -> dict[str, str]:
        """Container to host, as the resources say that are handed to the plan."""
        (stack, blueprint, environment, observed), placement = self._placed(asking or Asking())
        made = deployment(blueprint, environment, {}, placement, observed)
        wanted = desired(made, classes_of(stack), self.folder, (), b"salt")
        return {item.key.name: item.key.host for item in wanted if item.key.kind == "container"}

    def after_up(self) -> "Site":
        """The same site with everything running as it was placed."""
        (stack, blueprint, environment, observed), placement = self._placed(Asking())
        made = deployment(blueprint, environment, {}, placement, observed)
        wanted = desired(made, classes_of(stack), self.folder, (), b"salt")
        return replace(self, actuals=tuple(Actual(item.key, item.spec, {}, item.owner) for item in wanted))

    def with_stack(self, before: str, after: str) -> "Site":
        assert before in self.stack
        return replace(self, stack=self.stack.replace(before, after))

    def with_environment(self, before: str, after: str) -> "Site":
        assert before in self.environment
        return replace(self, environment=self.environment.replace(before, after))

    def _placed(self, asking: Asking) -> tuple[tuple[Any, Any, Any, Mapping[str, Observed]], Placement]:
        (self.folder / "stack.py").write_text(HEAD + self.stack)
        (self.folder / "trellis.yaml").write_text("")
        project = find_project(self.folder)
        environment = parse_environment(project, "dev", self.environment)
        stack = load_stack(project.stack_file)
        blueprint = evaluate(stack, project.root)
        check_asking(blueprint, asking)
        observed = {
            name: Observed(
                host,
                Scope("shop", "dev"),
                facts=HostFacts() if name in self.silent else self.facts.get(name, FACTS),
                actuals=tuple(actual for actual in self.actuals if actual.key.host == name),
                problem="no answer" if name in self.silent else "",
            )
            for name, host in environment.hosts.items()
        }
        problem = placement_problem(blueprint, environment, observed, asking)
        return (stack, blueprint, environment, observed), placed(problem, "dev")


MakeSite = Callable[..., Site]


@pytest.fixture
def site(tmp_path: Path) -> MakeSite:
    def make(stack: str, hosts: str = "", **settings: Any) -> Site:
        environment = "hosts:\n" + (hosts or "".join(f"  ny{n}: {{roles: [front]}}\n" for n in (1, 2, 3)))
        return Site(tmp_path, stack, environment, **settings)

    return make


def one_service(run: str, needs: str = 'memory="1 GiB"', more: str = "") -> str:
    return f"""
@shop.service(image="web:1", {needs})
class Web(Service):
    http = listens(8080{more})

@shop.role(name="front")
class Front(Role):
    web = {run}
"""


@pytest.mark.parametrize(
    ("run", "hosts"),
    [
        ("runs(Web, one_per_host)", ["ny1", "ny2", "ny3"]),
        ("runs(Web, one_per_role)", ["ny1"]),
        ("runs(Web, at_least(2).per_host)", ["ny1", "ny1", "ny2", "ny2", "ny3", "ny3"]),
        ("runs(Web, exactly(4))", ["ny1", "ny1", "ny2", "ny3"]),
        ("runs(Web, between(2, 5))", ["ny1", "ny2"]),
    ],
)
def test_every_policy_counts_what_it_says(site: MakeSite, run: str, hosts: list[str]) -> None:
    assert sorted(site(one_service(run)).containers().values()) == hosts


@pytest.mark.parametrize(
    ("needs", "dimension"),
    [("cpu=5", "cores"), ('memory="9 GiB"', "memory"), ('disk="101 GiB"', "disk"), ('network="2 Gbit/s"', "network")],
)
def test_each_dimension_blocks_alone_and_is_named(site: MakeSite, needs: str, dimension: str) -> None:
    hosts = '  ny1: {roles: [front], capacity: {network: "1 Gbit/s"}}\n'
    with pytest.raises(ShortfallError, match=f"Web needs .* {dimension}.*; the best host, ny1, is .* short") as refused:
        site(one_service("runs(Web, one_per_role)", needs), hosts).place()
    assert refused.value.exit_code == 12


def test_what_others_use_and_what_a_role_keeps_free_is_taken_off(site: MakeSite) -> None:
    stack = one_service("runs(Web, exactly(3))", 'memory="2 GiB"').replace(
        'role(name="front")', 'role(name="front", reserve_memory="1 GiB")'
    )
    facts = {"ny1": replace(FACTS, foreign=ForeignUse(memory=4 * GIB))}  # 8 - 4 - 1: one fits
    hosts = "  ny1: {roles: [front]}\n  ny2: {roles: [front], capacity: {memory: 5 GiB}}\n"  # 5 - 1: two fit
    assert sorted(site(stack, hosts, facts=facts).containers().values()) == ["ny1", "ny2", "ny2"]
    with pytest.raises(ShortfallError, match="1 Web found no host"):
        site(stack.replace("exactly(3)", "exactly(4)"), hosts, facts=facts).place()


def test_disk_of_storages_and_containers_counts_and_what_runs_is_not_counted_twice(site: MakeSite) -> None:
    stack = one_service("runs(Web, one_per_role, data=data)", 'disk="10 GiB", memory="1 GiB"').replace(
        "    web = runs", '    data = Storage("85 GiB", active=1)\n    web = runs'
    ).replace("    http = listens", '    data = mounts("/data")\n    http = listens')  # fmt: skip
    made = site(stack, "  ny1: {roles: [front]}\n")
    assert made.containers() == {"web-1": "ny1"}
    # What it has written since is part of what it declared: it stays, and another 10 GiB would not fit.
    full = replace(made.after_up(), facts={"ny1": replace(FACTS, disk=9 * GIB)})
    assert full.place().instances[0].host == "ny1"
    assert full.place().warnings == ()
    with pytest.raises(ShortfallError):
        made.with_stack("85 GiB", "91 GiB").place()


def test_a_host_port_is_taken_once_and_not_where_others_listen(site: MakeSite) -> None:
    stack = one_service("runs(Web, exactly(2))", more=", host_port=80")
    facts = {"ny1": replace(FACTS, foreign=ForeignUse(ports=frozenset({("tcp", 80)})))}
    made = site(stack, facts=facts)
    assert sorted(made.containers().values()) == ["ny2", "ny3"]
    with pytest.raises(ShortfallError, match="something else listens on port 80/tcp"):
        made.with_stack("exactly(2)", "exactly(3)").place()


TWO = """
@shop.service(image="a:1", memory="1 GiB", relocatable=True)
class A(Service):
    http = listens(8080)

@shop.service(image="b:1", memory="1 GiB")
class B(Service):
    http = listens(8080)

@shop.role(name="other")
class Other(Role):
    b = runs(B, exactly(1))

@shop.role(name="front")
class WebRole(Role):
    a = runs(A, exactly(2))
"""


def test_roles_that_conflict_are_on_no_host_together(site: MakeSite) -> None:
    stack = TWO.replace('role(name="front")', 'role(name="front", conflicts_with=Other)')
    with pytest.raises(DoesNotFitError, match="the host carries the roles front and other, which conflict"):
        site(stack, "  ny1: {roles: [front, other]}\n").place()
    assert len(site(stack, "  ny1: {roles: [front]}\n  ny2: {roles: [other]}\n").containers()) == 3


def test_several_roles_share_one_host_and_grow_to_many_without_a_change_of_the_stack(site: MakeSite) -> None:
    assert set(site(TWO, "  ny1: {roles: [front, other]}\n").containers().values()) == {"ny1"}
    many = site(TWO, "  ny1: {roles: [other]}\n  ny2: {roles: [front]}\n  ny3: {roles: [front]}\n").containers()
    assert many == {"a-1": "ny2", "a-2": "ny3", "b-1": "ny1"}


def test_spread_over_a_label(site: MakeSite) -> None:
    hosts = "".join(
        f"  ny{n}: {{roles: [front], labels: {{rack: {rack}}}}}\n" for n, rack in ((1, "a"), (2, "a"), (3, "b"))
    )
    found = site(one_service('runs(Web, exactly(4)).spread_over("rack")'), hosts).containers()
    assert sorted(found.values()) == ["ny1", "ny2", "ny3", "ny3"]


def test_kept_apart_and_kept_together(site: MakeSite) -> None:
    hosts = "  ny1: {roles: [front, other]}\n  ny2: {roles: [front, other]}\n  ny3: {roles: [front]}\n"
    apart = site(TWO.replace("runs(A, exactly(2))", "runs(A, exactly(2)).apart_from(B)"), hosts).containers()
    assert apart["b-1"] not in {apart["a-1"], apart["a-2"]}
    together = site(TWO.replace("runs(A, exactly(2))", "runs(A, exactly(2)).together_with(B)"), hosts).containers()
    assert together["a-1"] == together["a-2"] == together["b-1"]


def test_pins_are_the_environments(site: MakeSite) -> None:
    made = site(one_service("runs(Web, exactly(2))"))
    pinned = replace(made, environment=made.environment + "pins: {Web: [ny2]}\n")
    assert set(pinned.containers().values()) == {"ny2"}
    with pytest.raises(ConfigError, match="there is no host ny9"):
        replace(made, environment=made.environment + "pins: {Web: [ny9]}\n").place()


def test_only_hosts_that_have_a_label_or_a_fact(site: MakeSite) -> None:
    facts = {"ny1": replace(FACTS, docker="18.9.1"), "ny2": replace(FACTS, os="ubuntu 22.04"), "ny3": FACTS}
    made = site(one_service('runs(Web, exactly(2)).on_hosts_where(docker=">=20")'), facts=facts)
    assert sorted(made.containers().values()) == ["ny2", "ny3"]
    assert set(made.with_stack('docker=">=20"', 'os="debian 12"').containers().values()) == {"ny1", "ny3"}
    with pytest.raises(ShortfallError, match=r"ny1: docker is 18\.9\.1, not >=99"):
        made.with_stack(">=20", ">=99").place()
    labelled = made.with_stack('on_hosts_where(docker=">=20")', 'on_hosts_with(disk="ssd")').with_environment(
        "ny2: {roles: [front]", "ny2: {roles: [front], labels: {disk: ssd}"
    )
    assert set(labelled.containers().values()) == {"ny2"}


STORED = """
@shop.service(image="db:1", memory="1 GiB", relocatable=True)
class DB(Service):
    sql = listens(5432)
    data = mounts("/data")

@shop.role(name="front")
class WebRole(Role):
    data = Storage("10 GiB", active=1)
    db = runs(DB, one_per_role, data=data)
"""


def volume(host: str) -> Actual:
    return Actual(
        ResourceKey("volume", "shop-dev-front-data", host), freeze_mapping({"size": 10 * GIB}), {}, Owner("web")
    )


def test_a_service_is_where_its_storage_is_active(site: MakeSite) -> None:
    made = site(STORED, actuals=(volume("ny3"),))
    assert made.containers() == {"db-1": "ny3"}
    drained = made.after_up().with_environment("ny3: {", "ny3: {draining: true, ")
    assert drained.place().instances[0].reason == (
        "keeps its host although it is draining: DB stays with its storage data"
    )
    with pytest.raises(ShortfallError, match="storage data is active on ny3"):
        made.with_environment("ny3: {roles: [front]", "ny3: {roles: []").place()
    gone = replace(made, silent=frozenset({"ny3"}))  # the data is there, so nothing starts elsewhere with none
    with pytest.raises(ShortfallError, match="ny3: does not answer"):
        gone.place()


def test_a_host_that_does_not_answer_keeps_its_instances(site: MakeSite) -> None:
    before = site(one_service("runs(Web, exactly(3))", 'memory="1 GiB", relocatable=True')).after_up()
    placement = replace(before, silent=frozenset({"ny2"})).place()
    assert [(item.index, item.host) for item in placement.instances] == [(1, "ny1"), (2, "ny2"), (3, "ny3")]
    assert placement.instances[1].reason == "keeps its host, which does not answer"


@pytest.mark.parametrize(("relocatable", "allowed", "at"), [
    ("True", (), "ny2"), ('"coordinated"', (), "ny1"), ('"coordinated"', ("Web",), "ny2"), ("False", (), "ny1"),
])  # fmt: skip
def test_draining_moves_what_may_be_moved(site: MakeSite, relocatable: str, allowed: tuple[str, ...], at: str) -> None:
    run, needs = "runs(Web, one_per_role)", f'memory="1 GiB", relocatable={relocatable}'
    before = site(one_service(run, needs)).after_up().with_environment("ny1: {", "ny1: {draining: true, ")
    assert before.containers(Asking(frozenset(allowed))) == {"web-1": at}


def test_moves_can_be_allowed_only_where_that_means_something(site: MakeSite) -> None:
    made = site(one_service("runs(Web, one_per_role)"))
    with pytest.raises(ConfigError, match="there is no service Nobody"):
        made.place(Asking(frozenset({"Nobody"})))
    with pytest.raises(ConfigError, match="Web is not relocatable"):
        made.place(Asking(frozenset({"Web"})))


def test_the_higher_priority_gets_the_room(site: MakeSite) -> None:
    stack = TWO.replace('image="b:1", memory="1 GiB"', 'image="b:1", memory="8 GiB", priority=1')
    with pytest.raises(ShortfallError) as refused:
        site(stack, "  ny1: {roles: [front, other]}\n").place()
    assert [(short.service, short.missing) for short in refused.value.placement.shortfalls] == [("A", 2)]


@pytest.mark.parametrize(("strategy", "hosts"), [("pack", ["ny1"]), ("spread", ["ny1", "ny2"])])
def test_the_environments_strategy(site: MakeSite, strategy: str, hosts: list[str]) -> None:
    made = site(one_service("runs(Web, exactly(2))"))
    found = replace(made, environment=made.environment + f"placement: {{strategy: {strategy}}}\n").containers()
    assert sorted(set(found.values())) == hosts


def test_nothing_changes_once_it_runs_although_shares_of_cores_are_rounded(site: MakeSite) -> None:
    before = site(one_service("runs(Web, exactly(3))", 'memory="1 GiB", cpu=0.3, relocatable=True')).after_up()
    kept = tuple(
        replace(actual, state=freeze_mapping({"cpu_shares": 307, "memory": GIB}))
        if actual.key.kind == "container"
        else actual
        for actual in before.actuals
    )
    placement = replace(before, actuals=kept).place()
    assert {item.reason for item in placement.instances} == {"keeps its host"}
    assert placement.warnings == ()


def test_no_hosts_at_all_is_said(site: MakeSite) -> None:
    with pytest.raises(DoesNotFitError, match="there are no hosts to run 1 services on"):
        replace(site(one_service("runs(Web, one_per_role)")), environment="").place()
