"""`trellis secret`: sets, lists and removes secrets; their values are never arguments and never shown."""

import sys
from pathlib import Path

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import emit_json, interactive, progress, table
from trellis.environments.loading import check_exists
from trellis.environments.project import find_project
from trellis.environments.secrets import remove_secret, secret_keys, set_secret
from trellis.errors import UsageError
from trellis_dsl.secret import Secret

GENERATED_BYTES = 32  # 256 bits, 43 characters


@click.group(epilog="Example: trellis secret set Database.password -e prod")
def secret() -> None:
    """Set, list and remove the secrets of an environment; they are kept encrypted with age."""


@secret.command(
    name="set",
    epilog="Examples: trellis secret set Database.password --generate | "
    "pass show db | trellis secret set Database.password -e prod",
)
@click.argument("key")
@click.argument("value", nargs=-1, metavar="")
@click.option("--from-file", "source", type=click.Path(path_type=Path, dir_okay=False), help="Take the file's text.")
@click.option("--generate", is_flag=True, help="Make a random one of 43 characters.")
@environment_option
@project_option
def set_(
    key: str, value: tuple[str, ...], source: Path | None, environment: str | None, directory: Path, *, generate: bool
) -> None:
    """Set the secret KEY. Its value is asked for, or read from standard input when that is no terminal.

    A line's end after the value is not part of it.
    """
    if value:  # not repeated in the message: it would end up in logs
        raise UsageError(
            "a secret's value is never an argument: the shell's history and the list of processes would show it",
            hint=f"trellis secret set {key}, and type it when you are asked",
        )
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    set_secret(project, name, key, _value(key, source, generate=generate))
    progress(f"set {key} in {name}")


@secret.command(name="list", epilog="Example: trellis secret list -e prod")
@environment_option
@json_option
@project_option
def list_(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """List the keys of the secrets that are set; values are not shown."""
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    keys = secret_keys(project, name)
    if as_json:
        emit_json({"environment": name, "secrets": list(keys)})
    elif keys:
        table(("secret",), [(key,) for key in keys])
    else:
        progress(f"no secret is set in {name}")


@secret.command(epilog="Example: trellis secret remove Database.password -e dev")
@click.argument("key")
@environment_option
@project_option
def remove(key: str, environment: str | None, directory: Path) -> None:
    """Remove the secret KEY from an environment."""
    project = find_project(directory)
    name = chosen_environment(project, environment)
    remove_secret(project, name, key)
    progress(f"removed {key} from {name}")


def _value(key: str, source: Path | None, *, generate: bool) -> Secret:
    if source is not None and generate:
        raise UsageError("--from-file and --generate exclude each other")
    if generate:
        from secrets import token_urlsafe

        return Secret(token_urlsafe(GENERATED_BYTES))
    if source is not None:
        return _read(source)
    if interactive():
        return Secret(click.prompt(key, hide_input=True, confirmation_prompt=True, err=True))
    return _stripped(sys.stdin.buffer.read(), "standard input")


def _read(source: Path) -> Secret:
    try:
        return _stripped(source.read_bytes(), str(source))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(source)) from error


def _stripped(content: bytes, where: str) -> Secret:
    try:
        return Secret(content.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        raise UsageError("a secret must be UTF-8 text", where=where) from None
