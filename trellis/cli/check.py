"""`trellis check`: evaluate the stack, and an environment with it; asks no host."""

from pathlib import Path

import click

from trellis.cli.options import environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json
from trellis.environments.project import find_project


@click.command(epilog="Examples: trellis check | trellis check -e prod | trellis check --json")
@environment_option
@json_option
@project_option
def check(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """Find mistakes in the stack and, with --env, in that environment's data. No host is asked."""
    from trellis.evaluating import evaluate
    from trellis.loading import load_stack
    from trellis.pipeline import bind
    from trellis.plugin.registry import Plugins

    project = find_project(directory)
    if environment:
        bound = bind(project, environment)
        blueprint = bound.blueprint
        for sentence in Plugins.load().check(bound.environment, project.root):
            echo(sentence)
    else:
        blueprint = evaluate(load_stack(project.stack_file), project.root)
    services, roles = len(blueprint.services), len(blueprint.roles)
    if as_json:
        counts = {"services": services, "roles": roles}
        emit_json({"stack": blueprint.stack, "environment": environment, **counts, "digest": blueprint.digest})
    else:
        counted = f"{services} service{'' if services == 1 else 's'}, {roles} role{'' if roles == 1 else 's'}"
        echo(f"{blueprint.stack}: {counted}; {blueprint.digest[:12]}")
