"""Planted problems: hosts are filled first and sized to what is on them, so that a placement of all is known."""

import random
from dataclasses import replace

from trellis.placing import (
    Capacity,
    Counting,
    HostOffer,
    InstancePolicy,
    Needs,
    Problem,
    Running,
    Workload,
)

GIB = 1 << 30
MBIT = 10**6


def planted(instances: int, hosts: int, fill: float, seed: int = 1) -> Problem:
    """A problem that runs as planted: every host is `fill` full in cpu, memory, disk and network alike.

    Services are drawn with sizes as people give them; every host gets the same number of random instances, and
    a capacity of what they need divided by `fill`. So all four dimensions bind on every host.
    """
    mixed = random.Random(seed)  # noqa: S311 - a fixed seed, not a secret
    services = [
        Needs(
            cpu=mixed.choice([0.25, 0.5, 1, 2, 4]),
            memory=int(mixed.choice([0.5, 1, 2, 4, 8]) * GIB),
            disk=mixed.choice([1, 5, 20]) * GIB,
            network=mixed.choice([1, 5, 20]) * MBIT,
        )
        for _ in range(max(5, instances // 20))
    ]
    counts = [0] * len(services)
    running: list[Running] = []
    offers = []
    for host in range(hosts):
        drawn = [mixed.randrange(len(services)) for _ in range(instances // hosts)]
        for service in drawn:
            counts[service] += 1
            running.append(Running(f"s{service:03}", "any", counts[service], f"h{host:04}"))
        offers.append(_host(f"h{host:04}", [services[service] for service in drawn], fill))
    loads = tuple(
        Workload(
            service=f"s{number:03}",
            role="any",
            policy=InstancePolicy(count, count, Counting.PER_ROLE),
            needs=needs,
            relocatable="yes",
        )
        for number, (needs, count) in enumerate(zip(services, counts, strict=True))
    )
    return Problem(hosts=tuple(offers), workloads=loads, running=tuple(running))


def _host(name: str, needs: list[Needs], fill: float) -> HostOffer:
    capacity = Capacity(
        cpu=sum(each.cpu for each in needs) / fill,
        memory=int(sum(each.memory for each in needs) / fill),
        disk=int(sum(each.disk for each in needs) / fill),
        network=int(sum(each.network for each in needs) / fill),
    )
    return HostOffer(name, frozenset({"any"}), capacity=capacity)


def empty(problem: Problem) -> Problem:
    """The same hosts and services with nothing running yet."""
    return replace(problem, running=())


def draining(instances: int, hosts: int, fill: float, seed: int = 1) -> Problem:
    """One host in fifty, and at least one, is to be emptied, and what runs there is known to fit on the others.

    The others are planted with everything; then random instances are taken to the hosts that are to be emptied,
    as many as an average host has. So the fewest moves are those instances, one move each.
    """
    emptied = max(1, hosts // 50)
    rest = hosts - emptied
    world = planted(instances // rest * rest, rest, fill, seed)
    mixed = random.Random(seed)  # noqa: S311 - as above
    chosen = mixed.sample(range(len(world.running)), emptied * (instances // hosts))
    running = list(world.running)
    for place, number in enumerate(chosen):
        running[number] = replace(running[number], host=f"x{place % emptied:04}")
    offers = tuple(HostOffer(f"x{number:04}", frozenset({"any"}), draining=True) for number in range(emptied))
    return replace(world, hosts=(*world.hosts, *offers), running=tuple(running))


def with_one_too_many(problem: Problem) -> Problem:
    """A service is added that needs more memory than any host has left, and hardly more than some have in all."""
    most = max(host.capacity.memory or 0 for host in problem.hosts)
    reports = Workload(
        "reports", "any", InstancePolicy(1, 1, Counting.PER_ROLE), Needs(cpu=1, memory=int(most * 0.9), disk=GIB)
    )
    fixed = tuple(replace(load, relocatable="no") for load in problem.workloads[::2])
    return replace(problem, workloads=(*fixed, *problem.workloads[1::2], reports))
