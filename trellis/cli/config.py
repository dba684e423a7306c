"""`trellis config`: the config values that the stack declares, and what an environment says about them."""

from collections.abc import Mapping
from pathlib import Path

import click

from trellis.blueprint import ConfigSpec
from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, progress, table
from trellis.environments.config import parse_value
from trellis.environments.editing import set_config, unset_config
from trellis.environments.loading import check_exists, load_environment
from trellis.environments.model import Environment
from trellis.environments.project import Project, find_project
from trellis.environments.reading import near_miss
from trellis.environments.secrets import secret_keys
from trellis.errors import ConfigError
from trellis.values import Value
from trellis_dsl.secret import MASK


@click.group(epilog="Example: trellis config set Website.workers 8 -e prod")
def config() -> None:
    """Show and set the config values of an environment."""


@config.command(name="list", epilog="Example: trellis config list -e prod --json")
@environment_option
@json_option
@project_option
def list_(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """List every config value and secret that the stack declares, and where its value comes from."""
    project = find_project(directory)
    found = load_environment(project, chosen_environment(project, environment))
    secrets = secret_keys(project, found.name)
    specs = declared(project, found.name)
    entries = [_entry(spec, specs, found, secrets) for spec in specs.values()]
    if as_json:
        emit_json({"environment": found.name, "config": entries})
    elif entries:
        table(("key", "value", "from", "type", "meaning"), [_row(entry) for entry in entries])
    else:
        progress("the stack declares no config values")


@config.command(epilog="Example: trellis config get Website.workers -e prod")
@click.argument("key")
@environment_option
@project_option
def get(key: str, environment: str | None, directory: Path) -> None:
    """Print the value of KEY in an environment; a secret shows as a mask."""
    project = find_project(directory)
    found = load_environment(project, chosen_environment(project, environment))
    specs = declared(project, found.name)
    entry = _entry(known(specs, key), specs, found, secret_keys(project, found.name))
    if entry["from"] == "missing":
        command = "secret set" if entry["type"] == "secret" else "config set"
        raise ConfigError(f"{key} is not set in {found.name}", hint=f"trellis {command} {key} -e {found.name}")
    echo(shown(entry["value"]))


@config.command(
    name="set",
    epilog="Examples: trellis config set Website.workers 8 -e prod | trellis config set Website.names a,b",
)
@click.argument("key")
@click.argument("value")
@environment_option
@project_option
def set_(key: str, value: str, environment: str | None, directory: Path) -> None:
    """Set KEY to VALUE in an environment's file. It must be of the type that the stack declares.

    A list is written a,b and a mapping k=v,l=w. A value that starts with a hyphen comes after --.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    spec = known(declared_or_coming(project, name), key)
    refuse_taken_over(spec)
    refuse_secret(spec, name)
    set_config(project, name, key, parse_value(value, spec.type, key, "the command line"))
    progress(f"set {key} in {name}; next: trellis plan -e {name}")


@config.command(epilog="Example: trellis config unset Website.workers -e prod")
@click.argument("key")
@environment_option
@project_option
def unset(key: str, environment: str | None, directory: Path) -> None:
    """Take KEY out of an environment's file, so that the stack's own value holds again."""
    project = find_project(directory)
    name = chosen_environment(project, environment)
    unset_config(project, name, key)
    progress(f"unset {key} in {name}")


def declared(project: Project, environment: str) -> Mapping[str, ConfigSpec]:
    """What the stack that an environment runs declares, by key. Raises `StackError` when the stack is at fault."""
    from trellis.revisions.blueprints import evaluated
    from trellis.revisions.programs import program_of

    program = program_of(project, load_environment(project, environment), destroying=True)
    return {spec.key: spec for spec in evaluated(program).config}


def declared_or_coming(project: Project, environment: str) -> Mapping[str, ConfigSpec]:
    """As `declared`, and what the working tree declares besides: values may be there before their change."""
    from trellis.revisions.blueprints import evaluated
    from trellis.revisions.programs import Program

    coming = evaluated(Program(project.root, project.stack_file)).config
    return {**{spec.key: spec for spec in coming}, **declared(project, environment)}


def known(specs: Mapping[str, ConfigSpec], key: str) -> ConfigSpec:
    """The declared value of that key. Raises `ConfigError`, with the nearest key, when there is none."""
    if key not in specs:
        what = f"the stack declares no config value {key}{near_miss(key, specs)}"
        raise ConfigError(what, hint="trellis config list")
    return specs[key]


def refuse_taken_over(spec: ConfigSpec) -> None:
    """Raise `ConfigError` when the value is that of another key."""
    if spec.same_as:
        raise ConfigError(f"{spec.key} has the value of {spec.same_as}", hint=f"set {spec.same_as} instead")


def refuse_secret(spec: ConfigSpec, environment: str) -> None:
    """Raise `ConfigError` when the value would be a secret in clear text."""
    if spec.type == "secret":
        what = f"{spec.key} is a secret; it is not kept in clear text"
        raise ConfigError(what, hint=f"trellis secret set {spec.key} -e {environment}, and type it when you are asked")


def shown(value: object) -> str:
    """A value as ``config set`` takes it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Mapping():
            return ",".join(f"{key}={item}" for key, item in value.items())
        case list() | tuple():
            return ",".join(map(str, value))
    return str(value)


def _entry(
    spec: ConfigSpec, specs: Mapping[str, ConfigSpec], environment: Environment, secrets: tuple[str, ...]
) -> Mapping[str, object]:
    value, origin = _value(specs[spec.same_as or spec.key], environment, secrets)
    origin = spec.same_as if spec.same_as and origin != "missing" else origin
    return {"key": spec.key, "value": value, "from": origin, "type": spec.type, "help": spec.help}


def _value(spec: ConfigSpec, environment: Environment, secrets: tuple[str, ...]) -> tuple[object, str]:
    """The value and where it comes from: ``environment``, ``stack``, or ``missing``."""
    if spec.type == "secret":
        return (MASK, "environment") if spec.key in secrets else (None, "missing")
    if spec.key in environment.config:
        return _plain(environment.config[spec.key]), "environment"
    return (None, "missing") if spec.required else (_plain(spec.default), "stack")


def _plain(value: Value) -> object:
    """The same value for JSON."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _row(entry: Mapping[str, object]) -> tuple[str, ...]:
    return (str(entry["key"]), shown(entry["value"]), *(str(entry[key]) for key in ("from", "type", "help")))
