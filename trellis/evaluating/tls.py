"""Ports for sites over TLS, which are there only where the stack has such a site."""

from collections.abc import Iterable
from dataclasses import replace

from trellis.blueprint import ServiceSpec


def without_idle_tls(services: Iterable[ServiceSpec]) -> tuple[ServiceSpec, ...]:
    """The services, without ports for TLS when no site is served over it: nothing is asked of the hosts for nothing."""
    every = tuple(services)
    if any(site.tls for service in every for site in service.sites):
        return every
    named = {(connection.service, connection.endpoint) for service in every for connection in service.connections}
    return tuple(_without(service, named) for service in every)


def _without(service: ServiceSpec, named: set[tuple[str, str]]) -> ServiceSpec:
    asked = service.health.endpoint if service.health else ""
    kept = tuple(
        endpoint
        for endpoint in service.endpoints
        if not endpoint.tls or endpoint.name == asked or (service.name, endpoint.name) in named
    )
    return service if kept == service.endpoints else replace(service, endpoints=kept)
