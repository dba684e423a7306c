"""`trellis role`: which hosts carry which roles."""

from collections.abc import Mapping
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import emit_json, progress, table
from trellis.environments.editing import add_role, remove_role
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import find_project


@click.group(epilog="Example: trellis role add Web ny1 -e prod")
def role() -> None:
    """List the roles that hosts carry, give them to hosts and take them away."""


@role.command(name="list", epilog="Example: trellis role list -e prod --json")
@environment_option
@json_option
@project_option
def list_(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """List the roles that hosts of an environment carry, each with its hosts."""
    project = find_project(directory)
    found = load_environment(project, chosen_environment(project, environment))
    hosts = hosts_by_role(found)
    if as_json:
        emit_json({"environment": found.name, "roles": [{"name": name, "hosts": hosts[name]} for name in hosts]})
    elif hosts:
        table(("role", "hosts"), [(name, ", ".join(carriers)) for name, carriers in hosts.items()])
    else:
        progress(f"no host of {found.name} carries a role; try: trellis role add ROLE HOST")


@role.command(epilog="Example: trellis role add Web ny1 ny2 -e prod")
@click.argument("role_name", metavar="ROLE")
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@environment_option
@project_option
def add(role_name: str, hosts: tuple[str, ...], environment: str | None, directory: Path) -> None:
    """Give a role to hosts. Nothing runs there before the next `trellis up`."""
    project = find_project(directory)
    name = chosen_environment(project, environment)
    for host in hosts:
        changed = add_role(project, name, host, role_name)
        progress(f"{host} now carries {role_name}" if changed else f"{host} carries {role_name} already")


@role.command(epilog="Example: trellis role remove Web ny1 -e prod")
@click.argument("role_name", metavar="ROLE")
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
@environment_option
@project_option
def remove(role_name: str, hosts: tuple[str, ...], environment: str | None, directory: Path) -> None:
    """Take a role from hosts. What runs there stays until the next `trellis up`."""
    project = find_project(directory)
    name = chosen_environment(project, environment)
    for host in hosts:
        changed = remove_role(project, name, host, role_name)
        progress(f"{host} {'no longer carries' if changed else 'does not carry'} {role_name}")


def hosts_by_role(environment: Environment) -> Mapping[str, list[str]]:
    """Role → names of the hosts that carry it, both sorted."""
    pairs = sorted((role_name, host.name) for host in environment.hosts.values() for role_name in host.roles)
    return {role_name: [host for one, host in pairs if one == role_name] for role_name, _ in pairs}
