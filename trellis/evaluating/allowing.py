"""Networks that a service or a role lets in, and those that it may connect to."""

from collections.abc import Mapping

from trellis.blueprint import AllowSpec, ReachSpec
from trellis.errors import StackError
from trellis.evaluating.members import Member, declarations
from trellis_dsl.allowing import Allow, Reach
from trellis_dsl.config import service_name
from trellis_dsl.endpoints import Endpoint, EndpointRef


def service_allows(member: Member) -> tuple[AllowSpec, ...]:
    """What a service lets in besides its clients.

    Raises:
        StackError: it is for something that is no endpoint of the service.
    """
    return tuple(_of_service(member, declared) for declared in declarations(member.cls, Allow))


def _of_service(member: Member, declared: Allow) -> AllowSpec:
    own = {endpoint.name for endpoint in declarations(member.cls, Endpoint)}
    to = declared.to
    name = "" if to is None else to.name if isinstance(to, Endpoint | EndpointRef) else None
    if name is None or (name and name not in own):
        raise StackError(
            f"{to if name is None else name} is not an endpoint of {member.name}",
            where=member.at(declared),
            hint=f"its endpoints are: {', '.join(sorted(own)) or 'none'}; ports of hosts belong to a role",
        )
    return AllowSpec(declared.name, declared.networks, endpoint=name)


def reaches(member: Member) -> tuple[ReachSpec, ...]:
    """What a service's containers, or those of a role's services, may connect to besides services."""
    return tuple(
        ReachSpec(declared.name, declared.networks, declared.port, declared.protocol)
        for declared in declarations(member.cls, Reach)
    )


def role_allows(member: Member, runs: frozenset[str], members: Mapping[str, Member]) -> tuple[AllowSpec, ...]:
    """What a role lets in besides its services' clients.

    Args:
        member: the role.
        runs: the services that it runs.
        members: the stack's services and roles.

    Raises:
        StackError: it is for an endpoint that no service of the role has.
    """
    return tuple(_of_role(member, declared, runs, members) for declared in declarations(member.cls, Allow))


def _of_role(member: Member, declared: Allow, runs: frozenset[str], members: Mapping[str, Member]) -> AllowSpec:
    to = declared.to
    if to is None:
        return AllowSpec(declared.name, declared.networks)
    if isinstance(to, int):
        return AllowSpec(declared.name, declared.networks, port=to, protocol=declared.protocol)
    if isinstance(to, EndpointRef):
        made_from = [name for name in sorted(runs) if issubclass(members[name].cls, to.owner)]
        exact = [name for name in made_from if name == service_name(to.owner)]
        if len(exact or made_from) == 1:
            return AllowSpec(declared.name, declared.networks, endpoint=f"{(exact or made_from)[0]}.{to.name}")
    raise StackError(
        f"{to} is not an endpoint of a service that {member.name} runs",
        where=member.at(declared),
        hint=f"it runs {', '.join(sorted(runs)) or 'nothing'}; name an endpoint as Service.endpoint",
    )
