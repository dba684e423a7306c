"""Service and role classes bound to one place, and what their methods return there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from traceback import TracebackException, extract_tb

from trellis.blueprint import ServiceSpec
from trellis.deployment import DeployedInstance, Deployment, Door
from trellis.errors import StackError
from trellis.placing.naming import short_name
from trellis.values import Value
from trellis_dsl.config import service_name
from trellis_dsl.endpoints import Address, Peer
from trellis_dsl.policies import Runs
from trellis_dsl.secret import Secret
from trellis_dsl.service import HostView, Role, Service, bind_role, bind_service
from trellis_dsl.stack import Stack

_ABOUT_THE_PROGRAM = (AttributeError, NameError, ImportError)
"""Their messages name what the program says, not what it holds."""


@dataclass(frozen=True, slots=True)
class Classes:
    """A stack's service and role classes by name."""

    services: Mapping[str, type[Service]]
    roles: Mapping[str, type[Role]]


def classes_of(stack: Stack) -> Classes:
    """The classes whose methods are called after placement; a role may name services that nobody added."""
    run = [value.service for role in stack.roles for value in _attributes(role) if isinstance(value, Runs)]
    services = {service_name(cls): cls for cls in (*run, *stack.services)}
    return Classes(services, {service_name(cls): cls for cls in stack.roles})


def _attributes(cls: type) -> Iterable[object]:
    return [value for base in reversed(cls.__mro__) for value in vars(base).values()]


def environment_variables(cls: type[Service], instance: DeployedInstance, deployment: Deployment) -> dict[str, Value]:
    """What ``env()`` returns for one instance; a value that holds a secret of the service is a `Secret`.

    Raises:
        StackError: the method fails, or returns something that is not text.
    """
    bound = bound_service(cls, instance, deployment)
    secrets = service_secrets(instance.service, deployment)
    try:
        returned = bound.env()
    except Exception as error:  # noqa: BLE001 - the user's method may fail in any way
        raise failed(f"{instance.service.name}.env", error, instance.service.location) from None
    if not isinstance(returned, Mapping):
        raise StackError(
            f"{instance.service.name}.env returns {type(returned).__name__}, not a dictionary of texts",
            where=instance.service.location,
            hint='write return {"NAME": "text"}',
        )
    return {key: _variable(key, value, instance, secrets) for key, value in returned.items()}


def _variable(key: str, value: object, instance: DeployedInstance, secrets: tuple[Secret, ...]) -> Value:
    if not isinstance(value, str | Secret):
        raise StackError(
            f"{instance.service.name}.env gives {key} {type(value).__name__}, not text",
            where=instance.service.location,
            hint=f'write "{key}": str(...)',
        )
    return guarded(value, secrets)


def guarded(text: str | Secret, secrets: tuple[Secret, ...]) -> str | Secret:
    """The text as a `Secret` when it holds a revealed one."""
    if isinstance(text, str) and any(secret and secret.reveal() in text for secret in secrets):
        return Secret(text)
    return text


def failed(method: str, error: Exception, where: str) -> StackError:
    """A method's failure, at the line of it that failed.

    The error's own message is told where it is about the program; any other could hold what the method was given.
    """
    if isinstance(error, StackError):
        return error
    what = f"{method} failed with {type(error).__name__}"
    if isinstance(error, _ABOUT_THE_PROGRAM):
        what = f"{method} failed: {' '.join(TracebackException.from_exception(error).format_exception_only()).strip()}"
    return StackError(what, where=_line_of(error, where), hint="it runs after placement")


def _line_of(error: Exception, declared: str) -> str:
    """The deepest line in the method's own folder; where the class was declared when there is none."""
    frames = extract_tb(error.__traceback__)[1:]  # the first one calls the method
    if not frames:
        return declared
    file = declared.partition(":")[0]
    root = frames[0].filename.removesuffix(file)
    ours = [frame for frame in frames if frame.filename.startswith(root)]
    return f"{ours[-1].filename.removeprefix(root)}:{ours[-1].lineno}" if root.endswith("/") else declared


def service_secrets(service: ServiceSpec, deployment: Deployment) -> tuple[Secret, ...]:
    """Every secret that the service declares."""
    prefix = f"{service.name}."
    return tuple(
        value for key, value in deployment.config.items() if key.startswith(prefix) and isinstance(value, Secret)
    )


def bound_service(cls: type[Service], instance: DeployedInstance, deployment: Deployment) -> Service:
    """The class as one instance of it: config, own addresses and peers have their values."""
    service = instance.service
    values: dict[str, object] = own_config(service.name, deployment)
    for endpoint in service.endpoints:
        address = instance.published[endpoint.name]
        values[endpoint.name] = Address(address.address, address.port)
    for connection in service.connections:
        values[connection.name] = _peer(connection.service, connection.endpoint, instance, deployment)
    return bind_service(
        cls,
        values,
        index=instance.index,
        name=short_name(service.name, instance.index),
        host=_view(instance.host.name, deployment),
    )


def bound_role(cls: type[Role], name: str, host: str, deployment: Deployment) -> Role:
    """The class as the role on one host."""
    return bind_role(cls, own_config(name, deployment), host=_view(host, deployment))


def own_config(owner: str, deployment: Deployment) -> dict[str, object]:
    """The config values of a service or role by attribute name, lists and dictionaries as the author wrote them."""
    prefix = f"{owner}."
    return {
        key.removeprefix(prefix): _thawed(value) for key, value in deployment.config.items() if key.startswith(prefix)
    }


def _thawed(value: Value) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _view(host: str, deployment: Deployment) -> HostView:
    found = deployment.hosts[host]
    return HostView(found.name, found.address, dict(found.labels))


def _peer(service: str, endpoint: str, seen_from: DeployedInstance, deployment: Deployment) -> Peer:
    """The nearest balancer that offers the endpoint; else the service's instances, those on the same host first.

    Without any, an address that nobody has.
    """
    if balancers := _doors(service, endpoint, seen_from, deployment):
        return Peer(balancers[0].host, balancers[0].port, balancers)
    near_first = sorted(
        deployment.instances_of(service), key=lambda peer: (peer.host.name != seen_from.host.name, peer.index)
    )
    addresses = [reachable(peer, endpoint, seen_from) for peer in near_first]
    if not addresses:
        return Peer("", 0, [])
    return Peer(addresses[0].host, addresses[0].port, addresses)


def _doors(service: str, endpoint: str, seen_from: DeployedInstance, deployment: Deployment) -> list[Address]:
    """The balancers that offer an endpoint: the host's own, then those of hosts with the most labels in common.

    What listens on a loopback address is not reached from a container on the stack's network.
    """
    here = seen_from.host

    def distance(door: Door) -> tuple[bool, int, str]:
        labels = deployment.hosts[door.host].labels if door.host in deployment.hosts else {}
        return door.host != here.name, -len(labels.items() & here.labels.items()), door.host

    offered = [door for door in deployment.doors if (door.service, door.endpoint) == (service, endpoint)]
    if seen_from.service.network == "stack":
        offered = [door for door in offered if not door.answers.address.startswith(("127.", "::1"))]
    return [Address(door.answers.address, door.answers.port) for door in sorted(offered, key=distance)]


def reachable(peer: DeployedInstance, endpoint: str, seen_from: DeployedInstance) -> Address:
    """Where an instance reaches another: by name on the same host's network, else where it is published."""
    together = peer.host.name == seen_from.host.name
    if together and peer.service.network == seen_from.service.network == "stack":
        return Address(short_name(peer.service.name, peer.index), peer.service.endpoint(endpoint).port)
    published = peer.published[endpoint]
    return Address(published.address, published.port)
