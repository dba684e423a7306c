"""Plan, apply a part of it, plan again, apply: whatever happens in between, it converges, and no data is lost."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from in_memory import KINDS, InMemory

from trellis.applying import Applier, Ending, Outcome
from trellis.blueprint import Blueprint, ConnectionSpec, EndpointSpec, ServiceSpec, UpdateSpec
from trellis.errors import LeaseLostError
from trellis.planning import Deciding, steps
from trellis.plans import Plan, Step, Verb
from trellis.resources import Actual, Owner, Resource, ResourceKey
from trellis.values import freeze_mapping

HOSTS = ("a", "b", "c")
AT_ONCE = 3
BLUEPRINT = Blueprint(
    "shop",
    (
        ServiceSpec("Db", "db:1", endpoints=(EndpointSpec("sql", 3306),)),
        ServiceSpec(
            "Web",
            "web:1",
            connections=(ConnectionSpec("db", "Db", "sql"),),
            update=UpdateSpec(start_first=True, batch=2),
        ),
    ),
)
placements = st.fixed_dictionaries(
    {
        "web": st.lists(st.sampled_from(HOSTS), max_size=4),
        "db": st.sampled_from(HOSTS),
        "version": st.integers(1, 3),
        "proxies": st.sets(st.sampled_from(HOSTS)),
    }
)


class Killed(BaseException):
    """The process ends here."""


def wanted(placement: dict[str, object]) -> list[Resource]:
    """The resources of a stack: instances with what they need, and proxies that know the instances."""
    web: Sequence[str] = placement["web"]  # type: ignore[assignment]
    instances = [("Db", "db-1", placement["db"], 1)]
    instances += [("Web", f"web-{number}", host, number) for number, host in enumerate(web, 1)]
    found: dict[ResourceKey, Resource] = {}

    def add(kind: str, name: str, host: str, owner: Owner, needs: tuple[ResourceKey, ...] = (), **spec: object) -> None:
        key = ResourceKey(kind, name, host)
        found[key] = Resource(key, freeze_mapping(spec), owner, needs)

    for service, name, host, number in instances:
        add("network", "net", str(host), Owner())
        add("file", f"/{name}", str(host), Owner("R", service, number), version=placement["version"])
        needs = [ResourceKey("network", "net", str(host)), ResourceKey("file", f"/{name}", str(host))]
        if service == "Db":
            add("volume", "data", str(host), Owner("R"))
            needs.append(ResourceKey("volume", "data", str(host)))
        owner = Owner("R", service, number)
        add("container", name, str(host), owner, tuple(needs), version=placement["version"])
    for host in placement["proxies"]:  # type: ignore[attr-defined]
        add("proxy", "proxy", host, Owner("R", "Web"), servers=[f"{name}@{at}" for _, name, at, _ in instances])
    return [found[key] for key in sorted(found)]


class Watching:
    """Checks each step that starts; after so many of them the process is killed, or its lock is gone."""

    def __init__(self, check: Callable[[Step], None], kill_after: int | None, lease_for: int | None) -> None:
        self.check, self.left, self.lease_for, self.begun = check, kill_after, lease_for, 0

    async def started(self, step: Step) -> None:
        self.check(step)
        self.begun += 1
        if self.lease_for is not None and self.begun > self.lease_for:
            raise LeaseLostError("somebody broke it")

    def doing(self, step: Step, text: str) -> None:
        pass

    def ended(self, step: Step, how: Ending, text: str) -> None:
        del step, text
        if how == "done" and self.left is not None:
            self.left -= 1
            if self.left <= 0:
                raise Killed


class Converging(RuleBasedStateMachine):
    """An environment that is changed, tampered with, and deployed to by runs that come to every kind of end."""

    def __init__(self) -> None:
        super().__init__()
        self.world = InMemory()
        self.desired: list[Resource] = []
        self.volumes: set[ResourceKey] = set()

    def plan(self, hosts: Sequence[str] = HOSTS) -> Plan:
        deciding = Deciding(dict.fromkeys(KINDS, self.world), b"", BLUEPRINT)
        here = [resource for resource in self.desired if resource.key.host in hosts]
        actuals = [actual for host in hosts for actual in self.world.on(host)]
        return Plan("shop", "dev", steps(here, actuals, deciding))

    def apply(self, plan: Plan, *, kill_after: int | None = None, lease_for: int | None = None) -> tuple[Outcome, ...]:
        listener = Watching(self.check_order, kill_after, lease_for)
        applier = Applier(dict.fromkeys(KINDS, self.world), self.world.observed(HOSTS), listener, AT_ONCE)
        return asyncio.run(applier.apply(plan))

    def check_order(self, step: Step) -> None:
        """Nothing starts before what it needs is there and as it should be."""
        if step.resource is None or step.key.host in self.world.silent:
            return
        for key in step.resource.requires:
            needed = next(one for one in self.desired if one.key == key)
            assert self.world.things[key].spec == needed.spec, f"{step.key} before {key}"

    @rule(placement=placements)
    def change_the_stack(self, placement: dict[str, object]) -> None:
        self.desired = wanted(placement)

    @rule(data=st.data())
    def tamper(self, data: st.DataObject) -> None:
        if not self.world.things:
            return
        key = data.draw(st.sampled_from(sorted(self.world.things)))
        if key.kind == "volume" or data.draw(st.booleans()):
            actual = self.world.things[key]
            self.world.things[key] = Actual(key, freeze_mapping({"version": "tampered"}), owner=actual.owner)
        else:
            del self.world.things[key]

    @rule(count=st.integers(1, 6))
    def kill_a_run(self, count: int) -> None:
        with contextlib.suppress(Killed):
            self.apply(self.plan(), kill_after=count)

    @rule(count=st.integers(0, 4))
    def break_the_lock_of_a_run(self, count: int) -> None:
        before = len(self.world.log)
        try:
            self.apply(self.plan(), lease_for=count)
        except LeaseLostError:
            assert len(self.world.log) - before <= count  # it changed nothing more

    @rule(host=st.sampled_from(HOSTS))
    def lose_a_host_on_the_way(self, host: str) -> None:
        self.world.silent = {host}
        plan = self.plan()
        outcomes = self.apply(plan)
        self.world.silent = set()
        elsewhere = [one for one in outcomes if host not in {one.step.key.host, one.step.moved_from}]
        undone = {one.step.key for one in outcomes if one.state != "done"}
        for one in elsewhere:  # whatever does not need that host is done, and nothing else
            assert (one.state == "done") != bool(undone & set(one.step.requires))
        assert sum(one.state == "failed" for one in outcomes) <= AT_ONCE  # nobody knocks again and again

    @rule(data=st.data())
    def fail_at_a_step(self, data: st.DataObject) -> None:
        plan = self.plan()
        if not plan.changes:
            return
        self.world.failing = {data.draw(st.sampled_from(plan.changes)).key}
        outcomes = self.apply(plan)
        assert {one.step.key for one in outcomes if one.state == "failed"} == self.world.failing
        self.world.failing = set()

    @rule(host=st.sampled_from(HOSTS))
    def run_without_a_host(self, host: str) -> None:
        others = [name for name in HOSTS if name != host]
        before = self.world.on(host)
        self.apply(self.plan(others))
        assert self.world.on(host) == before

    @rule()
    def run_to_the_end(self) -> None:
        outcomes = self.apply(self.plan())
        assert all(one.state == "done" for one in outcomes)
        assert self.plan().changes == ()
        there = {key: actual.spec for key, actual in self.world.things.items() if key.kind != "volume"}
        assert there == {one.key: one.spec for one in self.desired if one.key.kind != "volume"}
        instances = [key.name for key in there if key.kind == "container"]
        assert len(instances) == len(set(instances))  # nothing is doubled

    @invariant()
    def no_data_is_ever_lost(self) -> None:
        self.volumes |= {key for key in self.world.things if key.kind == "volume"}
        assert self.volumes <= self.world.things.keys()
        assert not [one for one in self.world.log if one.key.kind == "volume" and one.verb is Verb.REMOVE]


Converging.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestConverging = Converging.TestCase
