"""What runs on hosts that do not answer, as far as the last run knows: unknown is never absent."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from trellis.blueprint import Blueprint
from trellis.placing.model import Running
from trellis.resources import ResourceKey


def remembered(resources: Mapping[str, str], silent: Collection[str]) -> dict[str, str]:
    """Those of the resources that were last applied, as `container:website-2@ny1` to a digest, on silent hosts."""
    return {key: digest for key, digest in resources.items() if key.rpartition("@")[2] in silent}


def keys_of(resources: Iterable[str]) -> tuple[ResourceKey, ...]:
    """The keys that those texts stand for."""
    return tuple(_key(text) for text in resources)


def _key(text: str) -> ResourceKey:
    kind, _, rest = text.partition(":")
    name, _, host = rest.rpartition("@")
    return ResourceKey(kind, name, host)


def remembered_running(keys: Iterable[ResourceKey], blueprint: Blueprint) -> Iterator[Running]:
    """The instances among them, of services that the stack still has."""
    services = {service.name.lower(): service.name for service in blueprint.services}
    roles = {run.service: role.name for role in reversed(blueprint.roles) for run in role.runs}
    for key in keys:
        short, _, index = key.name.rpartition("-")
        service = services.get(short)
        if key.kind == "container" and service in roles and index.isdecimal():
            yield Running(service, roles[service], int(index), key.host)
