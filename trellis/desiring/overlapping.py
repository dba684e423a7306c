"""Which instances get new host ports, so that the new one can start while the old one still serves; pure."""

from collections.abc import Iterable, Iterator

from trellis.blueprint import ServiceSpec
from trellis.deployment import DeployedInstance, Deployment
from trellis.plans import Step, Verb

Place = tuple[str, str, str]
"""A host, an instance's short name, and an endpoint."""


def places_to_change(steps: Iterable[Step], deployment: Deployment) -> frozenset[Place]:
    """Where replaced instances of services with ``start_first`` must not keep their ports.

    An endpoint that another service reaches directly keeps its port: that service would have to be replaced, too.
    """
    replaced = [step for step in steps if step.key.kind == "container" and step.verb is Verb.REPLACE]
    return frozenset(place for step in replaced for place in _places(step, deployment))


def _places(step: Step, deployment: Deployment) -> Iterator[Place]:
    service = next((one for one in deployment.blueprint.services if one.name == step.owner.service), None)
    if service is None or not service.update.start_first or service.network == "host" or service.mounts:
        return
    if any(end.host_port is not None or _is_told(service, end.name, deployment) for end in service.endpoints):
        return
    yield from ((step.key.host, step.key.name, endpoint.name) for endpoint in service.endpoints)


def _is_told(service: ServiceSpec, endpoint: str, deployment: Deployment) -> bool:
    """Whether an instance of another service is told the port on the host."""
    return any(
        not _by_name(client, service, deployment)
        for client in deployment.instances
        for connection in client.service.connections
        if (connection.service, connection.endpoint) == (service.name, endpoint)
    )


def _by_name(client: DeployedInstance, service: ServiceSpec, deployment: Deployment) -> bool:
    """On the network of one host, a service is reached by its name and its own port."""
    hosts = {one.host.name for one in deployment.instances if one.service.name == service.name}
    return client.service.network == "stack" and hosts == {client.host.name}
