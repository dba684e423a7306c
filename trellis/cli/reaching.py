"""Finds an environment's hosts for commands that look at hosts without a stack."""

from collections.abc import Iterable, Sequence

from trellis.environments.model import Environment
from trellis.environments.project import Project
from trellis.errors import ConfigError
from trellis.hosts import Host, needs_secrets, with_secrets


def chosen_hosts(project: Project, environment: Environment, names: Iterable[str] = ()) -> Sequence[Host]:
    """The named hosts, or all of them, with the secrets that their options name.

    Raises:
        ConfigError: there is no such host, or a secret is missing.
    """
    chosen = [found_host(environment, name) for name in names] or list(environment.hosts.values())
    if not needs_secrets(chosen):
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
