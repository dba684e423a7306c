"""Whatever way independent steps of a plan meet, no host holds more than fits; both ends of a move count."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.blueprint import Blueprint, ConnectionSpec, EndpointSpec, ServiceSpec, UpdateSpec
from trellis.hosts import HostSession
from trellis.ordering import key_of
from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    PlacedInstance,
    Placement,
    Problem,
    Running,
    Workload,
)
from trellis.placing.naming import short_name
from trellis.placing.sequencing import sequence
from trellis.planning import Deciding, steps
from trellis.plans import Decision, Step, Verb
from trellis.plugin.contracts import Applying, Scope
from trellis.resources import Actual, Owner, Resource, ResourceKey

HOSTS = ("a", "b", "c", "d")
SERVICES = ("db", "site", "cache")
BLUEPRINT = Blueprint(
    "shop",
    (
        ServiceSpec("cache", "cache:1", update=UpdateSpec(batch=2)),
        ServiceSpec("db", "db:1", endpoints=(EndpointSpec("sql", 3306),)),
        ServiceSpec("site", "site:1", connections=(ConnectionSpec("db", "db", "sql"),)),
    ),
)


class MemoryOnly:
    """A provider that compares memory and nothing else; it has no host to reach."""

    kinds = MappingProxyType({"haproxy-config": 45, "container": 50})

    async def observe(self, session: HostSession, scope: Scope) -> Sequence[Actual]:
        raise AssertionError((session, scope))

    async def apply(self, step: Step, applying: Applying) -> None:
        raise AssertionError((step, applying))

    def decide(self, desired: Resource | None, actual: Actual | None, salt: bytes) -> Decision:
        del salt
        if desired is None:
            return Decision(Verb.REMOVE, "no longer in the stack")
        if actual is None:
            return Decision(Verb.CREATE, "not there yet")
        same = desired.spec == actual.spec
        return Decision(Verb.KEEP, "already equal") if same else Decision(Verb.REPLACE, "memory changed")


@dataclass(frozen=True)
class World:
    """What runs, and what is to run: both fit, and together they often do not."""

    problem: Problem
    placement: Placement
    held: dict[tuple[str, int], int] = field(default_factory=dict)

    def wants(self, service: str) -> int:
        return next(load.needs.memory for load in self.problem.workloads if load.service == service)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Instances on hosts now and afterwards, on hosts that are just large enough for each of the two."""
    needs = {service: draw(st.integers(1, 6)) for service in SERVICES}
    names = [(service, index) for service in SERVICES for index in range(1, 5)]
    now = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(HOSTS), max_size=10))
    other = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(HOSTS), max_size=10))
    # Often the same instances change places: that is what needs a third host, or a stop.
    swapped = dict(zip(sorted(now), draw(st.permutations([now[name] for name in sorted(now)])), strict=True))
    then = swapped if draw(st.booleans()) else other
    held = {name: max(1, needs[name[0]] + draw(st.sampled_from([0, 0, 0, -1, 1, 3]))) for name in sorted(now)}
    size: dict[str, int] = dict.fromkeys(HOSTS, 0)
    for host in HOSTS:
        before = sum(held[name] for name, at in now.items() if at == host)
        after = sum(needs[name[0]] for name, at in then.items() if at == host)
        size[host] = max(before, after)
    policy = InstancePolicy(0, None, Counting.PER_ROLE)
    problem = Problem(
        hosts=tuple(HostOffer(name, frozenset({"any"}), capacity=Capacity(memory=size[name])) for name in HOSTS),
        workloads=tuple(
            Workload(service, "any", policy, Needs(memory=needs[service]), relocatable="yes") for service in SERVICES
        ),
        running=tuple(
            Running(service, "any", index, host, Needs(memory=held[service, index]))
            for (service, index), host in sorted(now.items())
        ),
    )
    placement = Placement(
        tuple(PlacedInstance(service, "any", index, host, "why") for (service, index), host in sorted(then.items())),
        stopped=tuple(
            PlacedInstance(service, "any", index, host, "too many")
            for (service, index), host in sorted(now.items())
            if (service, index) not in then
        ),
    )
    return World(problem, placement, held)


def planned(world: World) -> tuple[Step, ...]:
    changes = sequence(world.problem, world.placement)
    deciding = Deciding(
        providers=dict.fromkeys(MemoryOnly.kinds, MemoryOnly()),
        salt=b"",
        blueprint=BLUEPRINT,
        reasons={},
        changes=changes,
        parked={key_of(each): container(world, each.service, each.index, str(each.target)) for each in changes},
    )
    wanted = [container(world, placed.service, placed.index, placed.host) for placed in world.placement.instances]
    proxy = ResourceKey("haproxy-config", "proxy-1", "a")
    wanted.append(Resource(proxy, {"memory": 1}))
    found = [
        Actual(key(run.service, run.index, run.host), {"memory": world.held[run.service, run.index]}, {}, owner(run))
        for run in world.problem.running
    ]
    return steps(wanted, [*found, Actual(proxy, {"memory": 0})], deciding)


def key(service: str, index: int, host: str) -> ResourceKey:
    return ResourceKey("container", short_name(service, index), host)


def owner(run: Running) -> Owner:
    return Owner("any", run.service, run.index)


def container(world: World, service: str, index: int, host: str) -> Resource:
    return Resource(key(service, index, host), {"memory": world.wants(service)}, Owner("any", service, index))


class Hosts:
    """What every host holds while steps begin and end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.size = {host.name: host.capacity.memory or 0 for host in world.problem.hosts}
        self.used: dict[str, int] = defaultdict(int)
        self.at: dict[tuple[str, str, int], int] = {}
        for run in world.problem.running:
            self._hold(run.host, run.service, run.index, world.held[run.service, run.index])

    def _hold(self, host: str, service: str, index: int, amount: int) -> None:
        self.used[host] += amount - self.at.get((host, service, index), 0)
        self.at[host, service, index] = amount

    def begin(self, step: Step) -> None:
        who = step.owner.service, step.owner.index
        if step.verb is not Verb.REMOVE:
            more = max(self.world.wants(who[0]), self.at.get((step.key.host, *who), 0))
            self._hold(step.key.host, *who, more)
        assert self.used[step.key.host] <= self.size[step.key.host], f"{step.key.host} is too full: {step.key}"

    def end(self, step: Step) -> None:
        who = step.owner.service, step.owner.index
        self._hold(step.key.host, *who, 0 if step.verb is Verb.REMOVE else self.world.wants(who[0]))
        if step.moved_from:
            assert self.at.get((step.moved_from, *who)), f"{step.key} leaves a host that it is not on"
            self._hold(step.moved_from, *who, 0)


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_no_host_holds_more_than_fits_in_whatever_order_steps_begin_and_end(world: World, random: object) -> None:
    made = planned(world)
    hosts = Hosts(world)
    waiting = {step.key: step for step in made if step.verb is not Verb.KEEP}
    under_way: list[Step] = []
    while waiting or under_way:
        open_keys = waiting.keys() | {step.key for step in under_way}
        ready = [step for step in waiting.values() if not open_keys & set(step.requires)]
        assert ready or under_way, "the rest waits for itself"
        if ready and (not under_way or random.random() < 0.6):  # type: ignore[attr-defined]
            step = random.choice(ready)  # type: ignore[attr-defined]
            del waiting[step.key]
            under_way.append(step)
            if step.key.kind == "container":
                hosts.begin(step)
        else:
            step = under_way.pop(random.randrange(len(under_way)))  # type: ignore[attr-defined]
            if step.key.kind == "container":
                hosts.end(step)
    now = {(host, service, index) for (host, service, index), amount in hosts.at.items() if amount}
    assert now == {(placed.host, placed.service, placed.index) for placed in world.placement.instances}


@given(worlds())
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_plan_itself_fits(world: World) -> None:
    hosts = Hosts(world)
    for step in planned(world):
        if step.verb is not Verb.KEEP and step.key.kind == "container":
            hosts.begin(step)
            hosts.end(step)
