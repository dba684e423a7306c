"""Opens sessions on an environment's hosts for commands that look at hosts without a stack."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import ConfigError
from trellis.hosts import Host, HostSession, with_secrets
from trellis.plugin.contracts import Connector


def chosen_hosts(project: Project, environment: Environment, names: Iterable[str] = ()) -> Sequence[Host]:
    """The named hosts, or all of them, with the secrets that their options name.

    Raises:
        ConfigError: there is no such host, or a secret is missing.
    """
    chosen = [found_host(environment, name) for name in names] or list(environment.hosts.values())
    if not any(option.endswith("_password") for host in chosen for option in host.options):
        return chosen
    from trellis.environments.secrets import load_secrets

    known = load_secrets(project, environment.name)
    return [with_secrets(host, known) for host in chosen]


def found_host(environment: Environment, name: str) -> Host:
    """One host of an environment. Raises `ConfigError`, naming those there are, when there is none of that name."""
    if name not in environment.hosts:
        there = f"there are {', '.join(environment.hosts)}" if environment.hosts else "there are none"
        where = f"environments/{environment.name}.yaml: hosts"
        raise ConfigError(f"there is no host {name}; {there}", where=where, hint="trellis host list")
    return environment.hosts[name]


def connector_of(host: Host, connectors: Mapping[str, Connector]) -> Connector:
    """The connector for a host's URL. Raises `ConfigError` when no plugin offers one."""
    scheme = urlsplit(host.connect).scheme
    if scheme not in connectors:
        known = ", ".join(f"{one}://" for one in sorted(connectors))
        raise ConfigError(f"no plugin connects by {scheme}://", where=f"hosts.{host.name}.connect", hint=f"use {known}")
    return connectors[scheme]


def connecting(connectors: Mapping[str, Connector]) -> Callable[[Host], Awaitable[HostSession]]:
    """A function that opens a session on a host by the connector for its URL."""

    async def connect(host: Host) -> HostSession:
        return await connector_of(host, connectors).connect(host)

    return connect
