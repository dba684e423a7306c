"""Problems that broke a promise once, each the smallest of its kind, by what was wrong."""

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
ONE = InstancePolicy(1, None, Counting.PER_ROLE)
ONE_A_HOST = InstancePolicy(1, None, Counting.PER_HOST)
ANY_A_HOST = InstancePolicy(0, None, Counting.PER_HOST)


def host(name: str, memory: int = 0, *, role: str = "api") -> HostOffer:
    return HostOffer(name, frozenset({role}), capacity=Capacity(memory=memory))


MENDED = {
    "an optional instance stayed beside a required one that must be apart, which then stopped": Problem(
        hosts=(host("ny1"), host("ny2")),
        workloads=(
            Workload("proxy", "api", ONE, relocatable="coordinated", apart_from=("db",)),
            Workload("db", "api", ANY_A_HOST, relocatable="yes"),
        ),
        running=(Running("db", "api", 1, "ny2"), Running("proxy", "api", 1, "ny2")),
    ),
    "on a full host, one that lacked a partner stopped although the partner was to start beside it": Problem(
        hosts=(host("ny3"), host("ny4", 2 * GIB)),
        workloads=(
            Workload("cache", "api", ONE, Needs(memory=GIB), relocatable="coordinated", together_with=("proxy",)),
            Workload("proxy", "api", ONE_A_HOST, relocatable="yes"),
        ),
        running=(Running("cache", "api", 1, "ny3"),),
    ),
    "one came back to a full host although a partner of another had taken its room": Problem(
        hosts=(host("ny1", 2 * GIB),),
        workloads=(
            Workload("cache", "api", ANY_A_HOST, Needs(memory=GIB), relocatable="yes", together_with=("db",)),
            Workload("db", "api", ONE_A_HOST, Needs(memory=GIB), relocatable="yes"),
        ),
        running=(Running("cache", "api", 1, "ny1"), Running("cache", "api", 2, "ny1")),
    ),
    "two that must be apart ran together, and neither may move": Problem(
        hosts=(host("ny1", GIB), host("ny2", GIB)),
        workloads=(Workload("site", "api", InstancePolicy(2, None, Counting.PER_ROLE), apart_from=("site",)),),
        running=(Running("site", "api", 1, "ny1"), Running("site", "api", 2, "ny1")),
    ),
    "what no host carries the role for any more held room for ever": Problem(
        hosts=(host("ny1", 2 * GIB, role="web"),),
        workloads=(
            Workload("db", "api", ONE, Needs(memory=2 * GIB), relocatable="yes"),
            Workload("proxy", "web", ONE_A_HOST, Needs(memory=GIB), relocatable="yes"),
        ),
        running=(Running("db", "api", 1, "ny1"),),
    ),
}
