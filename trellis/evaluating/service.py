"""One service class: its specification."""

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from trellis.blueprint import (
    ConnectionSpec,
    EndpointSpec,
    HealthSpec,
    MountSpec,
    ServiceSpec,
    SiteSpec,
    UpdateSpec,
)
from trellis.errors import StackError
from trellis.evaluating.allowing import reaches, service_allows
from trellis.evaluating.files import file_specs
from trellis.evaluating.members import Member, declarations
from trellis.placing.model import Needs, Relocatable
from trellis_dsl.config import Config
from trellis_dsl.endpoints import Connection, ConnectionRef, Endpoint, EndpointRef, Health
from trellis_dsl.options import ServiceOptions, options_of
from trellis_dsl.sites import Site
from trellis_dsl.stack import Stack
from trellis_dsl.storage import Mount
from trellis_dsl.updates import UPDATES_FROM, Rollout


def service_spec(member: Member, stack: Stack, members: Mapping[str, Member], root: Path) -> ServiceSpec:
    """The specification of a service class.

    Raises:
        StackError: a connection leads nowhere, a port is declared twice, there is no image…
    """
    options = options_of(member.cls)
    if not options.image:
        raise StackError(
            f"{member.name} has no image", where=member.place, hint='say one: @stack.service(image="name:tag")'
        )
    endpoints = _endpoints(member)
    return ServiceSpec(
        name=member.name,
        image=options.image,
        needs=Needs(options.cpu or 0.0, options.memory or 0, options.disk or 0, options.network or 0),
        endpoints=endpoints,
        connections=_connections(member, stack, members),
        mounts=tuple(MountSpec(mount.name, mount.path) for mount in declarations(member.cls, Mount)),
        sites=tuple(_site(member, declared) for declared in declarations(member.cls, Site)),
        allows=service_allows(member),
        reaches=reaches(member),
        files=file_specs(member, root),
        health=_health(member, options, endpoints),
        update=_update(member, options.rollout or Rollout()),
        relocatable=_relocatable(options.relocatable),
        priority=options.priority or 0,
        network="host" if options.host_network else "stack",
        command=options.command or (),
        user=options.user or "",
        stop_grace=10.0 if options.stop_grace is None else options.stop_grace,
        labels=tuple(sorted((options.labels or {}).items())),
        provided_by=_provided_by(member),
        location=str(member.place),
    )


def _endpoints(member: Member) -> tuple[EndpointSpec, ...]:
    specs: dict[tuple[str, int], EndpointSpec] = {}
    for declared in declarations(member.cls, Endpoint):
        spec = EndpointSpec(
            declared.name,
            declared.port,
            declared.protocol,
            declared.host_port,
            declared.public,
            _is_for_tls(member.cls, declared.name),
            declared.balanced,
        )
        other = specs.setdefault((declared.protocol, declared.port), spec)
        if other is not spec:
            raise StackError(f"port {spec.port} is {other.name} already", where=member.at(declared))
    return tuple(sorted(specs.values(), key=lambda spec: spec.name))


def _is_for_tls(cls: type, name: str) -> bool:
    """Whether the endpoint, or one of that name which it overrides, is for sites over TLS."""
    found = (vars(base).get(name) for base in cls.__mro__)
    return any(isinstance(one, Endpoint) and one.tls for one in found)


def _connections(member: Member, stack: Stack, members: Mapping[str, Member]) -> tuple[ConnectionSpec, ...]:
    return tuple(_connection(member, declared, stack, members) for declared in declarations(member.cls, Connection))


def _connection(member: Member, declared: Connection, stack: Stack, members: Mapping[str, Member]) -> ConnectionSpec:
    link = stack.links.get(ConnectionRef(member.cls, declared.name))
    target = link[0] if link else declared.target
    if target is None:
        raise StackError(
            "this connection leads nowhere",
            where=member.at(declared),
            hint=f"call stack.connect({member.name}.{declared.name}, Other.endpoint)",
        )
    service = _target(member, declared, target, members)
    return ConnectionSpec(
        declared.name,
        service,
        target.name,
        ordered=link is None,
        on_change=declared.on_change,
        signal=declared.signal,
    )


def _target(member: Member, declared: Connection, target: EndpointRef, members: Mapping[str, Member]) -> str:
    """The stack's service that a reference means: the class itself, or the only one in the stack made from it."""
    made_from = [other.name for other in members.values() if issubclass(other.cls, target.owner)]
    exact = [name for name in made_from if members[name].cls is target.owner]
    if len(exact or made_from) != 1:
        what = "is not a service of the stack" if not made_from else f"could be {', '.join(made_from)}"
        raise StackError(
            f"it connects to {target}, but {target.owner.__name__} {what}",
            where=member.at(declared),
            hint="add it with @stack.service(...), or name a service that is there",
        )
    return (exact or made_from)[0]


def _site(member: Member, declared: Site) -> SiteSpec:
    literal = declared.domain if isinstance(declared.domain, str) else ""
    key = "" if isinstance(declared.domain, str) else f"{member.name}.{declared.domain.name}"
    if not isinstance(declared.domain, str) and declared.domain.type_name != "str":
        raise StackError(f"a site's name is text; {key} is {declared.domain.type_name}", where=member.at(declared))
    if isinstance(declared.endpoint, EndpointRef) and not issubclass(member.cls, declared.endpoint.owner):
        what = f"this site is answered by {declared.endpoint}, which is no endpoint of {member.name}"
        raise StackError(what, where=member.at(declared), hint="name an endpoint of the class, or of its base")
    aliases, aliases_key = _aliases(member, declared)
    return SiteSpec(
        name=declared.name,
        endpoint=declared.endpoint.name,
        domain=literal,
        domain_config=key,
        path=declared.path,
        tls=declared.tls,
        aliases=aliases,
        aliases_config=aliases_key,
        handling=declared.handling,
        maintenance_config=_maintenance(member, declared),
    )


def _maintenance(member: Member, declared: Site) -> str:
    if not isinstance(declared.maintenance, Config):
        return ""
    key = f"{member.name}.{declared.maintenance.name}"
    if declared.maintenance.type_name != "bool":
        what = f"a site is in maintenance or it is not; {key} is {declared.maintenance.type_name}, not bool"
        raise StackError(what, where=member.at(declared))
    return key


def _aliases(member: Member, declared: Site) -> tuple[tuple[str, ...], str]:
    if not isinstance(declared.aliases, Config):
        return declared.aliases, ""
    key = f"{member.name}.{declared.aliases.name}"
    if declared.aliases.type_name != "list[str]":
        what = f"a site's aliases are a list of texts; {key} is {declared.aliases.type_name}"
        raise StackError(what, where=member.at(declared))
    return (), key


def _health(member: Member, options: ServiceOptions, endpoints: tuple[EndpointSpec, ...]) -> HealthSpec | None:
    """What the service's decorator says, else its one endpoint that says something, else that it listens at all."""
    declared = [endpoint for endpoint in declarations(member.cls, Endpoint) if endpoint.health]
    if len(declared) > 1:
        raise StackError(
            f"health is declared at {declared[0].name} already",
            where=member.at(declared[1]),
            hint="one check is enough",
        )
    if options.health is not None:
        listening = next((endpoint.name for endpoint in endpoints if endpoint.protocol == "tcp"), "")
        return _health_spec(options.health, "" if options.health.kind == "command" else listening)
    if declared and declared[0].health is not None:
        return _health_spec(declared[0].health, declared[0].name)
    listening = next((endpoint.name for endpoint in endpoints if endpoint.protocol == "tcp"), "")
    return HealthSpec("tcp", listening) if listening else None


def _health_spec(health: Health, endpoint: str) -> HealthSpec:
    return HealthSpec(health.kind, endpoint, health.path, health.argv, health.timeout, health.interval)


def _update(member: Member, rollout: Rollout) -> UpdateSpec:
    methods = inspect.getmembers(member.cls, lambda value: hasattr(value, UPDATES_FROM))
    found = tuple(sorted((name, str(getattr(method, UPDATES_FROM))) for name, method in methods))
    return UpdateSpec(
        start_first=rollout.start_first,
        batch=rollout.batch,
        pause=rollout.pause,
        drain=rollout.drain,
        canary=rollout.canary,
        watch=rollout.watch,
        methods=found,
    )


def _relocatable(said: "bool | Literal['coordinated'] | None") -> Relocatable:
    if said == "coordinated":
        return "coordinated"
    return "yes" if said else "no"


def _provided_by(member: Member) -> str:
    """The top package of the library that ships the class, or one it is made from; empty for the stack's own.

    The stack's own modules are forgotten after loading, so what is still imported is a library's.
    """
    packages = (base.__module__.partition(".")[0] for base in member.cls.__mro__)
    return next((name for name in packages if name in sys.modules and name not in {"trellis_dsl", "builtins"}), "")
