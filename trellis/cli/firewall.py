"""`trellis firewall`: what is let through on each host and why, and whether one path is open."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.environments.project import Project, find_project
from trellis.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from trellis.firewall.explaining import Verdict
    from trellis.pipeline import Planned


@click.group(epilog="Examples: trellis firewall show | trellis firewall check website-1 mariadb-1:sql")
def firewall() -> None:
    """Explain what the hosts' firewalls let through; nothing is changed."""


@firewall.command(epilog="Examples: trellis firewall show --host ny1 | trellis firewall show --json")
@environment_option
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="Only this host; may be repeated.")
@json_option
@project_option
def show(environment: str | None, hosts: tuple[str, ...], directory: Path, *, as_json: bool) -> None:
    """Show every path that is let through, and the connection that needs it."""
    project = find_project(directory)
    document = asyncio.run(_show(project, chosen_environment(project, environment), hosts))
    if as_json:
        emit_json(document)
    else:
        _print(document)


async def _show(project: Project, name: str, hosts: Iterable[str]) -> dict[str, Any]:
    from trellis.pipeline import bind, planning

    async with planning(bind(project, name)) as planned:
        known = planned.firewall.rules
        for host in hosts:
            if host not in known:
                raise UsageError(f"there is no host {host} that answers", hint=f"there are {', '.join(known)}")
        chosen = tuple(hosts) or tuple(known)
        return {
            "schema_version": 1,
            "stack": planned.plan.stack,
            "environment": name,
            "hosts": [_host(host, planned) for host in chosen],
            "warnings": list(planned.firewall.warnings),
            "unreachable": dict(planned.plan.unreachable),
        }


def _host(host: str, planned: "Planned") -> dict[str, Any]:
    from trellis.firewall.explaining import lines_of, names_in

    rules = planned.firewall.rules[host]
    names = names_in(planned.firewall.ground)
    kept = [item for item in planned.firewall.resources if item.key.host == host]
    pending = [
        step.reason for step in planned.plan.changes if step.key.host == host and step.key.kind.startswith("firewall")
    ]
    return {
        "host": host,
        "provider": str(kept[0].spec["provider"]) if kept else None,
        "exclusive": rules.exclusive,
        "limits_egress": bool(rules.limits),
        "paths": [
            {
                "direction": line.direction,
                "who": line.who,
                "protocol": line.protocol,
                "port": line.port,
                "peers": list(line.peers),
                "why": line.why,
            }
            for line in lines_of(host, rules, names)
        ],
        "pending": pending,
    }


def _print(document: dict[str, Any]) -> None:
    rows = [
        (
            host["host"],
            path["direction"],
            f"{path['protocol']} {path['port'] or 'any'}",
            path["who"],
            peers,
            path["why"],
        )
        for host in document["hosts"]
        for path in host["paths"]
        for peers in (", ".join(path["peers"]),)
    ]
    table(("host", "way", "port", "of", "peers", "because"), rows)
    if not rows:
        echo("Nothing is guarded: no service listens at a port that others could reach.")
    for host in document["hosts"]:
        echo(_state(host))
    for warning in document["warnings"]:
        echo(f"! {warning}")
    for name, problem in document["unreachable"].items():
        echo(f"! {name}: {problem}")


def _state(host: dict[str, Any]) -> str:
    name = host["host"]
    if host["pending"]:
        return f"{name}: pending: {'; '.join(host['pending'])}"
    if host["provider"] is None:
        return f"{name}: no rules are kept: nothing has to be closed there, or nothing can be"
    rest = "everything else is closed" if host["exclusive"] else "other ports are left alone"
    return f"{name}: kept by {host['provider']}; {rest}"


@firewall.command(
    epilog="Examples: trellis firewall check website-1 mariadb-1:sql | trellis firewall check 203.0.113.9 ny1:80"
)
@click.argument("client")
@click.argument("server")
@environment_option
@json_option
@project_option
def check(client: str, server: str, environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Say whether CLIENT reaches SERVER, and why.

    CLIENT is a host, an instance or an address; SERVER is HOST:PORT, HOST:PORT/udp, INSTANCE:ENDPOINT or ADDRESS:PORT.
    A closed path ends with exit code 5.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    verdict, at = asyncio.run(_check(project, name, client, server))
    if as_json:
        document = {"client": client, "server": server, "at": at, "open": verdict.open, "reasons": verdict.reasons}
        emit_json(document)
    elif verdict.open:
        echo(f"open: {client} → {at}")
        for reason in verdict.reasons:
            echo(f"  {reason}")
    if not verdict.open:
        raise PolicyError(
            f"closed: {client} → {at}: {'; '.join(verdict.reasons)}",
            hint="what needs it declares it: connects_to(...) in a service; allow_from(...), allow_to(...) for others",
        )


async def _check(project: Project, name: str, client: str, server: str) -> "tuple[Verdict, str]":
    from trellis.firewall.asking import client_of, server_of
    from trellis.firewall.explaining import judge
    from trellis.pipeline import bind, planning

    async with planning(bind(project, name)) as planned:
        ground = planned.firewall.ground
        who, at = client_of(client, ground), server_of(server, ground)
        return judge(who, at.host, at.protocol, at.port, planned.firewall.rules, ground), str(at)
