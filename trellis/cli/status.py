"""`trellis status`: what runs where, how it is, and what somebody else changed."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.expiring import certificate_entries, certificate_lines
from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.cli.rendering import drift_entry, silent_sentence
from trellis.environments.project import Project, find_project
from trellis.errors import ConfigError, DoesNotFitError, UnreachableError, UsageError
from trellis.plugin.contracts import TellsHealth
from trellis.resources import Actual
from trellis.scanning import last_seen

if TYPE_CHECKING:
    from trellis.pipeline import Bound, Planned, Seen


@click.command(epilog="Examples: trellis status -e prod | trellis status --json")
@environment_option
@json_option
@project_option
def status(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Show the environment's instances, where they answer and how they are; nothing is changed."""
    project = find_project(directory)
    document = asyncio.run(environment_status(project, chosen_environment(project, environment)))
    if as_json:
        emit_json(document)
    else:
        _show(document)
    silent = [host["name"] for host in document["hosts"] if not host["reachable"]]
    if silent:
        raise UnreachableError(silent_sentence(silent))


async def environment_status(project: Project, name: str) -> dict[str, Any]:
    """What `trellis status --json` prints."""
    from trellis.pipeline import observing
    from trellis.promotion.telling import standing_lines

    bound, unknown = _bound(project, name)
    async with observing(bound) as seen:
        planned, unknown = (None, unknown) if unknown else _planned(bound, seen)
        found = _containers(seen)
        health = await asyncio.gather(*(_health(seen, actual) for actual in found))
        return {
            "schema_version": 1,
            "stack": bound.blueprint.stack,
            "environment": name,
            "hosts": [
                {
                    "name": host,
                    "reachable": not one.problem,
                    "problem": one.problem,
                    "scanned": (seen.memory.scans.get(host) or {}).get("at"),
                    "last_seen": last_seen(seen.memory.scans.get(host), datetime.now(UTC)) if one.problem else "",
                }
                for host, one in seen.known.items()
            ],
            "instances": [_instance(actual, how) for actual, how in zip(found, health, strict=True)],
            "sites": _sites(planned) if planned else [],
            "certificates": certificate_entries(
                (actual for host in seen.known.values() for actual in host.actuals), datetime.now(UTC)
            ),
            "drift": [drift_entry(drift) for drift in planned.plan.drift] if planned else [],
            "pending": len(planned.plan.changes) if planned else None,
            "unknown": unknown,
            "standing": standing_lines(project, bound.environment),
        }


def _containers(seen: "Seen") -> list[Actual]:
    """The environment's containers, by service and index: an engine lists them as it likes."""
    every = (actual for host in seen.known.values() for actual in host.actuals)
    ours = (actual for actual in every if actual.key.kind == "container" and not actual.foreign)
    return sorted(ours, key=lambda one: (one.owner.service, one.owner.role, one.owner.index, one.key))


def _bound(project: Project, name: str) -> "tuple[Bound, str]":
    """What is known of the environment, and why that is not all: looking needs neither config nor secrets."""
    from trellis.pipeline import bind, bind_to_look

    try:
        return bind(project, name), ""
    except ConfigError as error:
        return bind_to_look(project, name, keyless=True), str(error)


def _planned(bound: "Bound", seen: "Seen") -> "tuple[Planned | None, str]":
    from trellis.pipeline import planned_from

    try:
        return planned_from(bound, seen), ""
    except (DoesNotFitError, UsageError) as error:  # also a certificate that its owner brought, and that is no good
        return None, str(error)


def _sites(planned: "Planned") -> list[dict[str, Any]]:
    by_url = groupby(planned.plan.sites, key=lambda site: (site.url, site.service))
    return [
        {"url": url, "service": service, "answers": [asdict(one.answers) for one in found]}
        for (url, service), found in by_url
    ]


async def _health(seen: "Seen", actual: Actual) -> str:
    provider = seen.plugins.providers()["container"]
    session = seen.known[actual.key.host].session
    if session is None or not isinstance(provider, TellsHealth):
        return "unknown"
    return str(await provider.health(session, actual, datetime.now(UTC)))


def _instance(actual: Actual, health: str) -> dict[str, Any]:
    ports: Any = actual.spec.get("ports") or ()
    return {
        "service": actual.owner.service,
        "role": actual.owner.role,
        "index": actual.owner.index,
        "name": actual.key.name,
        "host": actual.key.host,
        "image": actual.spec.get("image"),
        "state": actual.state.get("status", "unknown"),
        "health": health,
        "endpoints": {port["endpoint"]: {"address": port["host_ip"], "port": port["host_port"]} for port in ports},
    }


def _show(document: dict[str, Any]) -> None:
    rows = [
        (item["name"], item["host"], str(item["image"]), str(item["state"]), item["health"], _endpoints(item))
        for item in document["instances"]
    ]
    table(("instance", "host", "image", "state", "health", "answers at"), rows)
    _show_sites(document["sites"])
    for host in document["hosts"]:
        if not host["reachable"]:
            echo(f"! {host['name']}: {host['problem']}")
            if host["last_seen"]:
                echo(f"  {host['last_seen']}")
    for line in certificate_lines(document["certificates"]):
        echo(line)
    for drift in document["drift"]:
        echo(f"drift: {drift['id']}: {drift['what']}")
    if document["unknown"]:
        echo(f"! whether that is as it should be is not known: {document['unknown']}")
    for line in document["standing"]:
        echo(line)
    if document["pending"]:
        echo(f"{document['pending']} changes are pending: trellis plan -e {document['environment']}")


def _show_sites(sites: list[dict[str, Any]]) -> None:
    if not sites:
        return
    echo("")
    rows = [(site["url"], site["service"], ", ".join(map(_address, site["answers"]))) for site in sites]
    table(("site", "service", "answers at"), rows)


def _address(where: dict[str, Any]) -> str:
    return f"[{where['address']}]:{where['port']}" if ":" in where["address"] else f"{where['address']}:{where['port']}"


def _endpoints(item: dict[str, Any]) -> str:
    return ", ".join(map(_address, item["endpoints"].values()))
