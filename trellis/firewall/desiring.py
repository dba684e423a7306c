"""From a placed stack to each host's ruleset; pure."""

from collections.abc import Iterable, Iterator

from trellis.blueprint import AllowSpec, EndpointSpec
from trellis.deployment import DeployedInstance
from trellis.firewall.addressing import container_macs, is_loopback
from trellis.firewall.ground import Ground, bound_address
from trellis.firewall.model import ANYONE, Allowance, Exit, Guard, Limit, Opening, Ruleset, Target, united
from trellis.firewall.needs import Need
from trellis.hosts import Host

SSH = 22


def rulesets(ground: Ground) -> dict[str, Ruleset]:
    """What each host that answered lets in and out, by its name."""
    return {name: _ruleset(host, ground) for name, host in ground.deployment.hosts.items()}


def _ruleset(host: Host, ground: Ground) -> Ruleset:
    here = ground.instances_on(host.name)
    return Ruleset(
        guards=tuple(sorted([*(guard for one in here for guard in _guards(one, ground)), *_doors(host, ground)])),
        exits=tuple(sorted(_exits(host, ground))),
        limits=tuple(sorted(_limits(here, ground))),
        openings=tuple(sorted(_openings(host, ground))),
        exclusive=host.exclusive,
        ssh_ports=_ssh_ports(host, ground),
    )


def _guards(instance: DeployedInstance, ground: Ground) -> Iterator[Guard]:
    """One for each port that others could reach; what is bound to the loopback address nobody else can."""
    for endpoint in instance.service.endpoints:
        bound = bound_address(instance, endpoint)
        if not is_loopback(bound):
            name = f"{instance.service.name}.{endpoint.name}"
            yield Guard(
                endpoint.protocol,
                instance.published[endpoint.name].port,
                bound,
                f"{instance.service.name.lower()}-{instance.index} {name}",
                _allowed(instance, endpoint, ground),
            )


def _doors(host: Host, ground: Ground) -> Iterator[Guard]:
    """One for each endpoint that a balancer here offers: who may connect to the endpoint may connect to it here."""
    for door in ground.deployment.doors:
        if door.host == host.name:
            endpoint = ground.deployment.blueprint.service(door.service).endpoint(door.endpoint)
            name = f"{door.service}.{door.endpoint}"
            allowed = [
                Allowance(ground.sources(need), ground.macs(need.client, host.name), need.why)
                for need in ground.needs_of(door.service, door.endpoint)
            ]
            if endpoint.public:
                allowed.append(Allowance(ANYONE, (), f"{name} is public"))
            yield Guard("tcp", door.answers.port, "", f"a balancer's {name}", tuple(sorted(allowed)))


def _allowed(instance: DeployedInstance, endpoint: EndpointSpec, ground: Ground) -> tuple[Allowance, ...]:
    name = f"{instance.service.name}.{endpoint.name}"
    found = [*_clients(instance, endpoint, ground), *_operators(instance, endpoint, ground)]
    if endpoint.public:
        found.append(Allowance(ANYONE, (), f"{name} is public"))
    return tuple(sorted(found))


def _clients(instance: DeployedInstance, endpoint: EndpointSpec, ground: Ground) -> Iterator[Allowance]:
    for need in ground.needs_of(instance.service.name, endpoint.name):
        yield Allowance(ground.sources(need), ground.macs(need.client, instance.host.name), need.why)


def _operators(instance: DeployedInstance, endpoint: EndpointSpec, ground: Ground) -> Iterator[Allowance]:
    service = instance.service
    said = [(service.name, allow) for allow in service.allows if allow.endpoint in {"", endpoint.name}]
    role = ground.deployment.blueprint.role(instance.role)
    named = {"", f"{service.name}.{endpoint.name}"}
    said += [(role.name, allow) for allow in role.allows if not allow.port and allow.endpoint in named]
    for owner, allow in said:
        yield Allowance(tuple(sorted(allow.networks)), (), _asked(owner, allow))


def _asked(owner: str, allow: AllowSpec) -> str:
    return f"{owner}.{allow.name} allows it from {', '.join(allow.networks)}"


def _exits(host: Host, ground: Ground) -> Iterator[Exit]:
    """One for each guarded endpoint elsewhere that is open to this host because a client runs here, or could."""
    found: dict[tuple[str, str], list[Need]] = {}
    for need in ground.needs:
        ends = ground.guarded_ends(need.server, need.endpoint)
        if ends and host.name in ground.places(need.client) and ground.is_elsewhere(need.server, host.name):
            found.setdefault((need.server, need.endpoint), []).append(need)
    for (server, endpoint), needs in found.items():
        protocol = ground.deployment.blueprint.service(server).endpoint(endpoint).protocol
        clients = united(ground.macs(need.client, host.name) for need in needs)
        why = "; ".join(dict.fromkeys(need.why for need in needs))
        yield Exit(protocol, ground.guarded_ends(server, endpoint), clients, why)


def _limits(here: Iterable[DeployedInstance], ground: Ground) -> Iterator[Limit]:
    """Containers on the stack's network; who uses the host's own network is one with the host."""
    if ground.settings.egress != "declared":
        return
    for instance in here:
        if instance.service.network == "stack":
            short = f"{instance.service.name.lower()}-{instance.index}"
            yield Limit(short, container_macs(instance.name), tuple(sorted(_targets(instance, ground))))


def _targets(instance: DeployedInstance, ground: Ground) -> Iterator[Target]:
    yield from _reached(instance, ground)
    for need in ground.needs:
        if need.client != instance.service.name:
            continue
        servers = ground.instances(need.server)
        possible = ground.networks(need.server)
        for server in servers:
            endpoint = server.service.endpoint(need.endpoint)
            actual = ground.addresses(server.host.name)
            networks = possible if ground.settings.mode == "potential" else actual
            yield Target(endpoint.protocol, server.published[need.endpoint].port, networks, need.why)
        for door in ground.deployment.doors:
            if (door.service, door.endpoint) == (need.server, need.endpoint):
                yield Target("tcp", door.answers.port, ground.addresses(door.host), need.why)


def _reached(instance: DeployedInstance, ground: Ground) -> Iterator[Target]:
    """What operators say that a service, or all of a role's, may connect to."""
    role = ground.deployment.blueprint.role(instance.role)
    said = [(instance.service.name, reach) for reach in instance.service.reaches]
    said += [(role.name, reach) for reach in role.reaches]
    for owner, reach in said:
        why = f"{owner}.{reach.name} allows it to {', '.join(reach.networks)}"
        yield Target(reach.protocol, reach.port, reach.networks, why)


def _openings(host: Host, ground: Ground) -> Iterator[Opening]:
    carried = {name.lower() for name in host.roles}
    for role in ground.deployment.blueprint.roles:
        for allow in role.allows if role.name.lower() in carried else ():
            if allow.port:
                yield Opening(allow.protocol, allow.port, tuple(sorted(allow.networks)), _asked(role.name, allow))


def _ssh_ports(host: Host, ground: Ground) -> tuple[int, ...]:
    """Where Trellis comes in: what the host itself saw, which address translation may hide from us."""
    seen = ground.deployment.facts[host.name].extra.get("ssh_port", "")
    return (int(seen),) if seen.isdecimal() else (SSH,)
