"""The placement problem of a blueprint on observed hosts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trellis.blueprint import Blueprint, RoleSpec, RunsSpec, ServiceSpec
from trellis.desiring.capacity import capacity_of
from trellis.desiring.carried import is_instance, role_names
from trellis.desiring.storing import disk_of, storage_on
from trellis.environments.model import Environment
from trellis.errors import ConfigError
from trellis.hosts import Host
from trellis.observing import Observed
from trellis.placing.model import HostOffer, Needs, Problem, Running, Strategy, Workload
from trellis.plans import Limit
from trellis.resources import Actual


@dataclass(frozen=True, slots=True)
class Asking:
    """What the operator asks of a placement.

    Attributes:
        allow_moves: coordinated services that may be moved this time.
        rebalance: also move what may be moved for a better balance.
        limit: the hosts and roles to plan for; placement is for all of them nevertheless.
    """

    allow_moves: frozenset[str] = frozenset()
    rebalance: bool = False
    limit: Limit = Limit()


NOTHING_SPECIAL = Asking()


def placement_problem(
    blueprint: Blueprint,
    environment: Environment,
    observed: Mapping[str, Observed],
    asking: Asking = NOTHING_SPECIAL,
) -> Problem:
    """What `place` is asked.

    Args:
        blueprint: what runs.
        environment: hosts, pins and strategy.
        observed: each of its hosts, by name; those that did not answer with what is known to be there.
        asking: what the operator wants this time.
    """
    return Problem(
        hosts=tuple(_offer(host, observed[host.name], blueprint) for host in environment.hosts.values()),
        workloads=tuple(
            replace(
                _workload(role, run, blueprint.service(run.service), environment),
                storage_on=storage_on(blueprint, environment.name, role, run, observed),
            )
            for role in blueprint.roles
            for run in role.runs
        ),
        running=_running(blueprint, observed),
        role_conflicts=frozenset(
            frozenset((role.name, other)) for role in blueprint.roles for other in role.conflicts_with
        ),
        strategy=Strategy(environment.strategy),
        allow_moves=asking.allow_moves,
        rebalance=asking.rebalance,
    )


def check_asking(blueprint: Blueprint, asking: Asking) -> None:
    """Refuse what makes no sense to allow.

    Raises:
        ConfigError: there is no such service, or allowing its moves changes nothing.
    """
    relocatable = {service.name: service.relocatable for service in blueprint.services}
    for name in sorted(asking.allow_moves):
        if name not in relocatable:
            known = ", ".join(sorted(relocatable)) or "none"
            raise ConfigError(f"there is no service {name}", where="--allow-moves", hint=f"services: {known}")
        if relocatable[name] == "no":
            hint = 'declare relocatable="coordinated" in the stack to move it with your word'
            raise ConfigError(f"{name} is not relocatable", where="--allow-moves", hint=hint)


def _offer(host: Host, seen: Observed, blueprint: Blueprint) -> HostOffer:
    facts = seen.facts
    named = {"os": facts.os, "kernel": facts.kernel, "docker": facts.docker, **facts.extra}
    return HostOffer(
        name=host.name,
        roles=frozenset(role_names(host, blueprint)),
        labels=host.labels,
        facts={name: value for name, value in named.items() if value},
        capacity=capacity_of(host, seen, blueprint),
        foreign_ports=facts.foreign.ports - _own_fixed_ports(seen, blueprint),
        answers=not seen.problem,
        draining=host.draining,
    )


def _own_fixed_ports(seen: Observed, blueprint: Blueprint) -> frozenset[tuple[str, int]]:
    """Ports that running instances hold on the host's own network, where no engine lists them as theirs."""
    running = {actual.owner.service for actual in seen.actuals if is_instance(actual) and actual.state.get("running")}
    services = [service for service in blueprint.services if service.name in running]
    return frozenset(port for service in services for port in fixed_ports(service))


def fixed_ports(service: ServiceSpec) -> frozenset[tuple[str, int]]:
    """(protocol, port) pairs that each instance takes on its host, whatever else runs there."""
    return frozenset(
        (endpoint.protocol, endpoint.host_port or endpoint.port)
        for endpoint in service.endpoints
        if endpoint.host_port is not None or service.network == "host"
    )


def _workload(role: RoleSpec, run: RunsSpec, service: ServiceSpec, environment: Environment) -> Workload:
    return Workload(
        service=service.name,
        role=role.name,
        policy=run.policy,
        needs=_with_storages(service.needs, role, run),
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


def _running(blueprint: Blueprint, observed: Mapping[str, Observed]) -> tuple[Running, ...]:
    containers = [actual for seen in observed.values() for actual in seen.actuals if is_instance(actual)]
    wanted = {
        (role.name, run.service): _with_storages(blueprint.service(run.service).needs, role, run)
        for role in blueprint.roles
        for run in role.runs
    }
    heirs = _heirs(blueprint)
    found = []
    for actual in containers:
        service = actual.owner.service
        role = heirs.get(service, actual.owner.role)
        needs = _needs(actual, wanted.get((role, service)))
        found.append(Running(service, role, actual.owner.index, actual.key.host, needs))
    return tuple(sorted(found))


def _heirs(blueprint: Blueprint) -> Mapping[str, str]:
    """Service to the one role that runs it: its instances count for that, also where another one started them.

    What an instance is called does not depend on a role, so it is moved, not made anew. One with data is: that stays.
    """
    running: dict[str, list[str]] = {}
    for role in blueprint.roles:
        for run in role.runs:
            running.setdefault(run.service, []).append(role.name)
    with_data = {service.name for service in blueprint.services if service.mounts}
    return {service: roles[0] for service, roles in running.items() if len(roles) == 1 and service not in with_data}


def _with_storages(needs: Needs, role: RoleSpec, run: RunsSpec) -> Needs:
    return replace(needs, disk=needs.disk + disk_of(role, run))


def _needs(actual: Actual, wanted: Needs | None) -> Needs | None:
    """What the instance was started with; None when that is not known: then it counts as what it is to have.

    Memory and cores are taken as they are now, since both are changed in place. A storage's size is not the
    container's, and is there already.
    """
    spec, memory = actual.spec, actual.state.get("memory", actual.spec.get("memory"))
    disk, bandwidth = spec.get("disk"), spec.get("bandwidth")
    if wanted is None or not (isinstance(memory, int) and isinstance(disk, int) and isinstance(bandwidth, int)):
        return None
    return Needs(_cores(actual, wanted.cpu), memory, max(disk, wanted.disk), bandwidth)


def _cores(actual: Actual, wanted: float) -> float:
    """Engines keep cores as whole shares of 1/1024; what is as near as that is as wanted."""
    cpu, shares = actual.spec.get("cpu"), actual.state.get("cpu_shares")
    if not isinstance(cpu, int | float):
        return wanted
    cores = shares / 1024 if cpu and isinstance(shares, int) else float(cpu)
    return wanted if abs(cores - wanted) * 1024 <= 1 else cores
