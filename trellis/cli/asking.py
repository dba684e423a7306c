"""Asks for the config values and secrets that an environment lacks, where somebody can be asked."""

from typing import TYPE_CHECKING

import click

from trellis.cli.output import harmless, interactive, progress
from trellis.environments.config import parse_value
from trellis.environments.editing import set_config
from trellis.environments.project import Project
from trellis.errors import ConfigError, MissingConfigError
from trellis_dsl.secret import Secret

if TYPE_CHECKING:
    from trellis.blueprint import ConfigSpec
    from trellis.pipeline import Bound
    from trellis.revisions.programs import Program


def bind_asking(project: Project, name: str, *, no_input: bool = False, program: "Program | None" = None) -> "Bound":
    """Bind the stack to an environment; what is missing is asked for on a terminal, and kept.

    Args:
        project: where the stack and the environments are.
        name: the environment.
        no_input: nobody is to be asked.
        program: instead of the one that the environment runs.

    Raises:
        MissingConfigError: something is missing, and there is nobody to ask.
    """
    from trellis.pipeline import bind

    try:
        return bind(project, name, program=program)
    except MissingConfigError as error:
        if not interactive(no_input=no_input):
            raise
        progress(f"{error.what}; asking for {'it' if len(error.specs) == 1 else 'them'} now (Ctrl-C ends)")
        for spec in error.specs:
            _ask(spec, project, name)
    return bind(project, name, program=program)


def _ask(spec: "ConfigSpec", project: Project, name: str) -> None:
    if spec.help:
        progress(f"{spec.key}: {spec.help}")
    if spec.type == "secret":
        _ask_secret(spec, project, name)
    else:
        _ask_value(spec, project, name)


def _ask_secret(spec: "ConfigSpec", project: Project, name: str) -> None:
    from trellis.environments.secrets import set_secret

    text = click.prompt(harmless(spec.key), hide_input=True, confirmation_prompt=True, err=True)
    set_secret(project, name, spec.key, Secret(text))
    progress(f"kept, encrypted, in environments/{name}.secrets.yaml")


def _ask_value(spec: "ConfigSpec", project: Project, name: str) -> None:
    """Until it is of the declared type."""
    while True:
        text = click.prompt(harmless(f"{spec.key} ({spec.type})"), err=True)
        try:
            value = parse_value(text, spec.type, spec.key, "the answer")
        except ConfigError as error:
            progress(f"error: {error.what}")
            continue
        set_config(project, name, spec.key, value)
        progress(f"kept in environments/{name}.yaml")
        return
