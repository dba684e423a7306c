"""The placement problem of a blueprint on observed hosts."""

from collections.abc import Mapping

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec, ServiceSpec
from trellis.environments.model import Environment
from trellis.hosts import Host
from trellis.observing import Observed
from trellis.placing.model import Capacity, HostOffer, Needs, Problem, Running, Strategy, Workload
from trellis.resources import Actual


def placement_problem(blueprint: Blueprint, environment: Environment, observed: Mapping[str, Observed]) -> Problem:
    """What `place` is asked.

    Args:
        blueprint: what runs.
        environment: hosts, pins and strategy.
        observed: each of its hosts, by name.
    """
    return Problem(
        hosts=tuple(_offer(host, observed[host.name], blueprint) for host in environment.hosts.values()),
        workloads=tuple(
            _workload(role, run, blueprint.service(run.service), environment)
            for role in blueprint.roles
            for run in role.runs
        ),
        running=_running(observed),
        role_conflicts=frozenset(
            frozenset((role.name, other)) for role in blueprint.roles for other in role.conflicts_with
        ),
        strategy=Strategy(environment.strategy),
    )


def _offer(host: Host, seen: Observed, blueprint: Blueprint) -> HostOffer:
    facts = seen.facts
    reserved = [role.reserves for role in blueprint.roles if role.name.lower() in {name.lower() for name in host.roles}]
    capacity = Capacity(
        None if facts.cpus is None else max(0.0, facts.cpus - facts.foreign.cpu - sum(item.cpu for item in reserved)),
        None
        if facts.memory is None
        else max(0, facts.memory - facts.foreign.memory - sum(item.memory for item in reserved)),
        facts.disk,
    )
    named = {"os": facts.os, "kernel": facts.kernel, "docker": facts.docker, **facts.extra}
    return HostOffer(
        name=host.name,
        roles=frozenset(role_names(host, blueprint)),
        labels=host.labels,
        facts=named,
        capacity=capacity,
        foreign_ports=facts.foreign.ports - _own_fixed_ports(seen, blueprint),
        answers=not seen.problem,
    )


def _own_fixed_ports(seen: Observed, blueprint: Blueprint) -> frozenset[tuple[str, int]]:
    """Ports that running instances hold on the host's own network, where no engine lists them as theirs."""
    running = {actual.owner.service for actual in seen.actuals if _is_instance(actual) and actual.state.get("running")}
    services = [service for service in blueprint.services if service.name in running]
    return frozenset(port for service in services for port in fixed_ports(service))


def fixed_ports(service: ServiceSpec) -> frozenset[tuple[str, int]]:
    """(protocol, port) pairs that each instance takes on its host, whatever else runs there."""
    return frozenset(
        (endpoint.protocol, endpoint.host_port or endpoint.port)
        for endpoint in service.endpoints
        if endpoint.host_port is not None or service.network == "host"
    )


def role_names(host: Host, blueprint: Blueprint) -> tuple[str, ...]:
    """The blueprint's roles that a host carries; environment files may write them in lower case."""
    carried = {name.lower() for name in host.roles}
    return tuple(role.name for role in blueprint.roles if role.name.lower() in carried)


def _workload(role: RoleSpec, run: RunsSpec, service: ServiceSpec, environment: Environment) -> Workload:
    return Workload(
        service=service.name,
        role=role.name,
        policy=run.policy,
        needs=service.needs,
        host_ports=fixed_ports(service),
        relocatable=service.relocatable,
        priority=service.priority,
        spread_over=run.spread_over,
        pinned_to=tuple(environment.pins.get(service.name, ())),
        apart_from=run.apart_from,
        together_with=run.together_with,
        requires_labels=dict(run.requires_labels),
        requires_facts=dict(run.requires_facts),
    )


def _running(observed: Mapping[str, Observed]) -> tuple[Running, ...]:
    containers = [actual for seen in observed.values() for actual in seen.actuals if _is_instance(actual)]
    # An instance killed in the middle of a move is there twice; the first host in order counts, the other is removed.
    first = {
        (actual.owner.service, actual.owner.index): actual for actual in sorted(containers, key=_order, reverse=True)
    }
    return tuple(
        Running(actual.owner.service, actual.owner.role, actual.owner.index, actual.key.host, _needs(actual))
        for actual in sorted(first.values(), key=_order)
    )


def _order(actual: Actual) -> tuple[str, int, str]:
    return actual.owner.service, actual.owner.index, actual.key.host


def _is_instance(actual: Actual) -> bool:
    return actual.key.kind == "container" and not actual.foreign and actual.owner.index > 0


def _needs(actual: Actual) -> Needs | None:
    cpu, memory = actual.spec.get("cpu"), actual.spec.get("memory")
    if isinstance(cpu, int | float) and isinstance(memory, int):
        return Needs(float(cpu), memory)
    return None
