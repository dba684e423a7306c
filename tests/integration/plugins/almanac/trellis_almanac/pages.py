"""Which pages a placed stack has; pure."""

from trellis.deployment import DeployedInstance, Deployment
from trellis.resources import Owner, Resource, ResourceKey
from trellis.values import freeze_mapping

KIND = "almanac-page"


def pages(deployment: Deployment) -> tuple[Resource, ...]:
    """One for each instance of a service class of this plugin, on hosts that answered."""
    instances = deployment.provided_by("trellis_almanac")
    return tuple(_page(one, deployment) for one in instances if one.host.name in deployment.hosts)


def _page(instance: DeployedInstance, deployment: Deployment) -> Resource:
    host, service = instance.host.name, instance.service.name
    name = f"{service.lower()}-{instance.index}"
    spec = {
        "path": f"{deployment.folder(host)}/almanac/{name}",
        "text": f"The almanac of {deployment.config[f'{service}.year']}\n",
    }
    owner = Owner(instance.role, service, instance.index)
    return Resource(ResourceKey(KIND, name, host), freeze_mapping(spec), owner)
