"""`trellis describe`: what the stack declares."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.blueprint import Blueprint
from trellis.cli.options import environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, table
from trellis.environments.project import find_project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trellis.overrides.model import Override


@click.command(epilog="Examples: trellis describe | trellis describe -e prod | trellis describe --json")
@environment_option
@json_option
@project_option
def describe(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Show the stack's services, roles and config, and what is overridden and where.

    It is the working tree's, or with --env what that environment runs.
    """
    from trellis.environments.loading import load_environment
    from trellis.evaluating import evaluate, evaluate_without_overrides
    from trellis.loading import load_stack
    from trellis.overrides.file import listed
    from trellis.revisions.programs import Program, program_of

    project = find_project(directory)
    found = load_environment(project, environment) if environment else None
    program = program_of(project, found) if found else Program(project.root, project.stack_file)
    stack = load_stack(program.stack_file)
    blueprint = evaluate(stack, program.root)
    overrides = listed(evaluate_without_overrides(stack, program.root), program.root)
    if as_json:
        said = [{"key": item.key, "value": item.value, "instead_of": item.instead_of} for item in overrides]
        emit_json({"digest": blueprint.digest, "blueprint": blueprint.as_json(), "overrides": said})
    else:
        _show(blueprint, overrides)


def _show(blueprint: Blueprint, overrides: "Sequence[Override]") -> None:
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
    if overrides:
        echo()
        said = [(item.key, str(item.value), item.instead_of, item.where) for item in overrides]
        table(("overridden", "value", "instead of", "where"), said)


def _service_row(blueprint: Blueprint, name: str) -> tuple[str, str, str, str]:
    service = blueprint.service(name)
    listens = ", ".join(f"{endpoint.name} {endpoint.port}" for endpoint in service.endpoints)
    connects = ", ".join(f"{connection.service}.{connection.endpoint}" for connection in service.connections)
    return service.name, service.image, listens, connects
