"""`trellis status`: what runs where, how it is, and what somebody else changed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.cli.rendering import drift_entry
from trellis.environments.project import Project, find_project
from trellis.errors import UnreachableError
from trellis.plugin.contracts import TellsHealth
from trellis.resources import Actual

if TYPE_CHECKING:
    from trellis.pipeline import Planned


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
        raise UnreachableError(f"these hosts did not answer: {', '.join(silent)}")


async def environment_status(project: Project, name: str) -> dict[str, Any]:
    """What `trellis status --json` prints."""
    from trellis.pipeline import bind, planning
    from trellis.promotion.telling import standing_lines

    async with planning(bind(project, name)) as planned:
        found = [
            (actual, seen)
            for seen in planned.observed.values()
            for actual in seen.actuals
            if actual.key.kind == "container" and not actual.foreign
        ]
        health = await asyncio.gather(*(_health(planned, actual) for actual, _ in found))
        return {
            "schema_version": 1,
            "stack": planned.plan.stack,
            "environment": name,
            "hosts": [
                {"name": host, "reachable": not seen.problem, "problem": seen.problem}
                for host, seen in planned.observed.items()
            ],
            "instances": [_instance(actual, how) for (actual, _), how in zip(found, health, strict=True)],
            "sites": [
                {"domain": site.domain, "path": site.path, "service": site.service} for site in planned.deployment.sites
            ],
            "drift": [drift_entry(drift) for drift in planned.plan.drift],
            "pending": len(planned.plan.changes),
            "standing": standing_lines(project, planned.bound.environment),
        }


async def _health(planned: "Planned", actual: Actual) -> str:
    provider = planned.providers["container"]
    session = planned.observed[actual.key.host].session
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
    for host in document["hosts"]:
        if not host["reachable"]:
            echo(f"! {host['name']}: {host['problem']}")
    for drift in document["drift"]:
        echo(f"drift: {drift['id']}: {drift['what']}")
    for line in document["standing"]:
        echo(line)
    if document["pending"]:
        echo(f"{document['pending']} changes are pending: trellis plan -e {document['environment']}")


def _endpoints(item: dict[str, Any]) -> str:
    return ", ".join(f"{end['address']}:{end['port']}" for end in item["endpoints"].values())
