"""Who needs to reach what: the declared connections, and those that plugins know of."""

from collections.abc import Iterable
from dataclasses import dataclass

from trellis.blueprint import Blueprint


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A service's instances need to reach an endpoint of another service.

    Attributes:
        client: the service that connects.
        server: the service that listens.
        endpoint: the name of the server's endpoint.
        why: a sentence, ``Website.database connects to MariaDB.sql``.
        networks: from which a client connects that is no service of the stack; empty for a service.
    """

    client: str
    server: str
    endpoint: str
    why: str
    networks: tuple[str, ...] = ()


def declared_needs(blueprint: Blueprint) -> tuple[Need, ...]:
    """One for each ``connects_to`` of the stack."""
    return tuple(
        Need(service.name, item.service, item.endpoint, _why(service.name, item.name, item.service, item.endpoint))
        for service in blueprint.services
        for item in service.connections
    )


def _why(client: str, connection: str, server: str, endpoint: str) -> str:
    return f"{client}.{connection} connects to {server}.{endpoint}"


def all_needs(blueprint: Blueprint, more: Iterable[Need]) -> tuple[Need, ...]:
    """The declared ones and those of plugins, sorted, each once."""
    return tuple(sorted({*declared_needs(blueprint), *more}))
