"""`trellis host`: the hosts of an environment, the trust in their keys, and Docker Engine on them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from trellis.cli.draining import drain, retire, undrain
from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, echo, emit_json, progress, table
from trellis.cli.reaching import chosen_hosts, found_host
from trellis.cli.stores import project_store
from trellis.connecting import connecting, connector_of
from trellis.environments.editing import add_host, remove_host
from trellis.environments.loading import load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project, find_project
from trellis.errors import UsageError
from trellis.hosts import Host
from trellis.plugin.contracts import TrustsHosts
from trellis.plugin.registry import Plugins


@click.group(epilog="Example: trellis host add ny1 --connect ssh://deploy@10.0.0.11 --role Web -e prod")
def host() -> None:
    """List, add, remove, drain, retire and trust hosts, and install Docker Engine on them."""


@host.command(name="list", epilog="Example: trellis host list -e prod --json")
@environment_option
@json_option
@project_option
def list_(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """List the hosts of an environment as its file has them, with what the last scan of each found."""
    _, found = _opened(directory, environment)
    hosts = found.hosts.values()
    with project_store(directory) as (_, store):
        scans = store.scans.last(found.name)
    if as_json:
        listed = [{**_entry(one), "scan": scans.get(one.name)} for one in hosts]
        emit_json({"environment": found.name, "hosts": listed})
    elif hosts:
        headings = ("host", "connect", "address", "roles", "labels", "state", "last scan")
        table(headings, [(*_row(one), _scanned(scans.get(one.name))) for one in hosts])
    else:
        progress(f"{found.name} has no hosts; try: trellis host add NAME --connect ssh://USER@ADDRESS")


@host.command(epilog="Example: trellis host add ny1 --connect ssh://deploy@10.0.0.11 --role Web --label zone=east")
@click.argument("name")
@click.option("--connect", required=True, metavar="URL", help="How to reach it: ssh://user@address:22 or local://")
@click.option("--address", default="", help="Where other hosts reach it; by default the address in the URL.")
@click.option("--role", "roles", multiple=True, metavar="ROLE", help="A role that it carries; may be repeated.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; may be repeated.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="Of the connector; may be repeated.")
@environment_option
@project_option
def add(
    name: str,
    connect: str,
    address: str,
    environment: str | None,
    directory: Path,
    **repeated: tuple[str, ...],
) -> None:
    """Add the host NAME to an environment's file; nothing is done on it."""
    project = find_project(directory)
    chosen = chosen_environment(project, environment)
    labels, options = _pairs("--label", repeated["labels"]), _pairs("--option", repeated["options"])
    add_host(project, chosen, Host(name, connect, address, repeated["roles"], labels, options))
    progress(f"added {name} to {chosen}; next: trellis scan -e {chosen} --host {name}")


@host.command(epilog="Example: trellis host remove ny1 -e prod")
@click.argument("name")
@environment_option
@yes_option
@no_input_option
@project_option
def remove(name: str, environment: str | None, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Remove the host NAME from an environment's file; what runs on it is left alone, and no longer looked after."""
    project, found = _opened(directory, environment)
    found_host(found, name)
    confirm(f"Forget {name}? What runs on it goes on running, unattended.", yes=yes, no_input=no_input)
    remove_host(project, found.name, name)
    progress(f"removed {name} from {found.name}")


@host.command(epilog="Example: trellis host trust ny1 --fingerprint SHA256:mVPwvezndPv/ARoIadVY98vAC0g+P/5633yTC4d/wXE")
@click.argument("name")
@click.option("--fingerprint", metavar="SHA256:…", help="What the host's key must be, as you know it from the host.")
@environment_option
@no_input_option
@project_option
def trust(name: str, fingerprint: str | None, environment: str | None, directory: Path, *, no_input: bool) -> None:
    """Trust the key that the host NAME offers, when it has the fingerprint.

    Without --fingerprint, the offered one is shown and asked about. Compare it with what the host itself says:
    ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
    """
    _, found = _opened(directory, environment)
    one = found_host(found, name)
    connector = connector_of(one, Plugins.load().connectors())
    if not isinstance(connector, TrustsHosts):
        raise UsageError(f"{name} is reached by {one.connect}, which has no host keys")
    if not fingerprint:
        fingerprint = asyncio.run(connector.offered_fingerprint(one))
        hint = f"compare it with what the host itself says, then: trellis host trust {name} --fingerprint {fingerprint}"
        confirm(f"{name} offers the key {fingerprint}. Is that its key?", no_input=no_input, hint=hint)
    kept = asyncio.run(connector.trust(one, fingerprint))
    progress(f"trusted the key of {name}; written to {kept}")


@host.command(epilog="Example: trellis host bootstrap ny1 -e prod --yes")
@click.argument("name")
@environment_option
@yes_option
@no_input_option
@project_option
def bootstrap(name: str, environment: str | None, directory: Path, *, yes: bool, no_input: bool) -> None:
    """Install Docker Engine on the host NAME, when it has none; shows every command before it is run."""
    project, found = _opened(directory, environment)
    (one,) = chosen_hosts(project, found, (name,))
    asyncio.run(_bootstrap(one, yes=yes, no_input=no_input))


async def _bootstrap(one: Host, *, yes: bool, no_input: bool) -> None:
    from trellis.bootstrapping import bootstrap as run_all
    from trellis.bootstrapping import plan_bootstrap
    from trellis.facts.gathering import gather_facts

    session = await connecting(Plugins.load().connectors())(one)
    try:
        commands = plan_bootstrap(one.name, await gather_facts(session))
        if not commands:
            progress(f"{one.name} has Docker Engine already")
            return
        for command in commands:
            echo(str(command))
        confirm(f"Run this as root on {one.name}?", yes=yes, no_input=no_input)
        await run_all(session, commands, lambda command: progress(command.why))
    finally:
        await session.close()
    progress(f"{one.name} has Docker Engine now")


host.add_command(drain)
host.add_command(undrain)
host.add_command(retire)


def _opened(directory: Path, environment: str | None) -> tuple[Project, Environment]:
    project = find_project(directory)
    return project, load_environment(project, chosen_environment(project, environment))


def _pairs(option: str, given: tuple[str, ...]) -> Mapping[str, str]:
    for text in given:
        if not text.partition("=")[0] or "=" not in text:
            raise UsageError(f"{option} {text} is not KEY=VALUE")
    return dict(text.split("=", 1) for text in given)


def _entry(one: Host) -> Mapping[str, object]:
    return {
        "name": one.name,
        "connect": one.connect,
        "address": one.address,
        "roles": list(one.roles),
        "labels": dict(one.labels),
        "options": dict(one.options),
        "draining": one.draining,
    }


def _scanned(scan: Mapping[str, object] | None) -> str:
    """``2026-11-24T20:41:07+00:00: debian 12, 2 cpus, Docker 20.10.24``; empty when it was never scanned."""
    if scan is None:
        return ""
    facts = scan.get("facts")
    if not isinstance(facts, Mapping):
        return f"{scan['at']}: did not answer"
    cpus = "" if facts["cpus"] is None else f"{facts['cpus']:g} cpus"
    parts = (facts["os"], cpus, f"Docker {facts['docker']}" if facts["docker"] else "no Docker")
    return f"{scan['at']}: {', '.join(str(part) for part in parts if part)}"


def _row(one: Host) -> tuple[str, ...]:
    labels = ", ".join(f"{key}={value}" for key, value in one.labels.items())
    return (one.name, one.connect, one.address, ", ".join(one.roles), labels, "draining" if one.draining else "")
