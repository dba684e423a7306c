"""`trellis check`: evaluate the stack, and an environment with it; asks no host."""

from pathlib import Path

import click

from trellis.cli.options import environment_option, project_option
from trellis.cli.output import echo
from trellis.environments.project import find_project


@click.command(epilog="Examples: trellis check | trellis check -e prod")
@environment_option
@project_option
def check(environment: str | None, directory: Path) -> None:
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
    echo(
        f"{blueprint.stack}: {len(blueprint.services)} services, {len(blueprint.roles)} roles; {blueprint.digest[:12]}"
    )
