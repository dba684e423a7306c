"""Problems of every shape, small enough to shrink well, for testing a solver."""

from hypothesis import strategies as st

from trellis.placing import Capacity, Counting, HostOffer, InstancePolicy, Needs, Problem, Running, Strategy, Workload

GIB = 1 << 30
ROLES = ("api", "data", "web")
SERVICES = ("cache", "db", "proxy", "reports", "site")


@st.composite
def host_offers(draw: st.DrawFn, name: str) -> HostOffer:
    """A host that may be full, silent, draining, or lack what a workload requires."""
    return HostOffer(
        name=name,
        roles=draw(st.frozensets(st.sampled_from(ROLES), min_size=1)),
        labels=draw(st.sampled_from([{}, {"rack": "a"}, {"rack": "b"}])),
        facts=draw(st.sampled_from([{}, {"docker": "20.10.1"}, {"docker": "18.3"}])),
        capacity=Capacity(
            cpu=draw(st.sampled_from([None, 0.0, 1.0, 2.0, 4.0])),
            memory=draw(st.sampled_from([0, 2 * GIB, 4 * GIB, 8 * GIB])),
            disk=draw(st.sampled_from([None, 10 * GIB])),
        ),
        foreign_ports=draw(st.sampled_from([frozenset(), frozenset({("tcp", 80)})])),
        answers=draw(st.sampled_from([True, True, True, False])),
        draining=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def policies(draw: st.DrawFn) -> InstancePolicy:
    """Every way of counting instances."""
    counting = draw(st.sampled_from(Counting))
    low = draw(st.integers(0, 1 if counting is Counting.PER_HOST else 4))
    high = draw(st.one_of(st.none(), st.integers(low, low + 2)))
    return InstancePolicy(low, high, counting)


@st.composite
def workloads(draw: st.DrawFn, service: str, hosts: tuple[str, ...]) -> Workload:
    """A workload under any of the rules, alone or several at once."""
    others = [name for name in SERVICES if name != service]
    return Workload(
        service=service,
        role=draw(st.sampled_from(ROLES)),
        policy=draw(policies()),
        needs=Needs(
            cpu=draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
            memory=draw(st.sampled_from([0, GIB, 2 * GIB, 3 * GIB])),
            disk=draw(st.sampled_from([0, 0, GIB])),
        ),
        host_ports=draw(st.sampled_from([frozenset(), frozenset(), frozenset({("tcp", 80)})])),
        relocatable=draw(st.sampled_from(["yes", "coordinated", "no"])),
        priority=draw(st.integers(0, 2)),
        spread_over=draw(st.sampled_from([(), ("rack",)])),
        pinned_to=draw(st.one_of(st.just(()), st.just(()), st.tuples(st.sampled_from(hosts)))),
        apart_from=draw(st.one_of(st.just(()), st.tuples(st.sampled_from(others)))),
        requires_labels=draw(st.sampled_from([{}, {}, {"rack": "a"}])),
        requires_facts=draw(st.sampled_from([{}, {}, {"docker": ">=20"}])),
    )


@st.composite
def problems(draw: st.DrawFn, most_hosts: int = 4) -> Problem:
    """Hosts, workloads, and what runs, whether or not the rules would have put it there."""
    names = tuple(f"ny{number}" for number in range(1, draw(st.integers(1, most_hosts)) + 1))
    hosts = tuple(draw(host_offers(name)) for name in names)
    services = draw(st.lists(st.sampled_from(SERVICES), unique=True, max_size=5))
    loads = tuple(draw(workloads(service, names)) for service in services)
    running = tuple(
        Running(load.service, load.role, index, draw(st.sampled_from(names)))
        for load in loads
        for index in sorted(draw(st.sets(st.integers(1, 5), max_size=4)))
    )
    return Problem(
        hosts=hosts,
        workloads=loads,
        running=running,
        strategy=draw(st.sampled_from(Strategy)),
        allow_moves=draw(st.frozensets(st.sampled_from(SERVICES), max_size=2)),
        rebalance=draw(st.booleans()),
    )
