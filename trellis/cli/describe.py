"""`trellis describe`: what the stack declares."""

from pathlib import Path

import click

from trellis.blueprint import Blueprint
from trellis.cli.options import json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.environments.project import find_project


@click.command(epilog="Examples: trellis describe | trellis describe --json")
@json_option
@project_option
def describe(directory: Path, *, as_json: bool) -> None:
    """Show the stack's services, roles and config, as every environment runs them."""
    from trellis.evaluating import evaluate
    from trellis.loading import load_stack

    project = find_project(directory)
    blueprint = evaluate(load_stack(project.stack_file), project.root)
    if as_json:
        emit_json({"digest": blueprint.digest, "blueprint": blueprint.as_json()})
    else:
        _show(blueprint)


def _show(blueprint: Blueprint) -> None:
    table(
        ("service", "image", "listens", "connects to"),
        [_service_row(blueprint, item.name) for item in blueprint.services],
    )
    echo()
    roles = [(role.name, ", ".join(run.service for run in role.runs), role.help) for role in blueprint.roles]
    table(("role", "runs", "what for"), roles)
    if blueprint.config:
        echo()
        rows = [
            (item.key, item.type, "required" if item.required else str(item.default), item.help)
            for item in blueprint.config
        ]
        table(("config", "type", "default", "what it means"), rows)


def _service_row(blueprint: Blueprint, name: str) -> tuple[str, str, str, str]:
    service = blueprint.service(name)
    listens = ", ".join(f"{endpoint.name} {endpoint.port}" for endpoint in service.endpoints)
    connects = ", ".join(f"{connection.service}.{connection.endpoint}" for connection in service.connections)
    return service.name, service.image, listens, connects
