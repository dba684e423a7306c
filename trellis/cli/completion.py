"""`trellis completion`: the script that completes commands in a shell."""

import click
from click.shell_completion import get_completion_class

from trellis.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@click.command(epilog='Example: eval "$(trellis completion bash)"')
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and environments in SHELL.

    Load it in the shell's start file, such as ~/.bashrc. For fish: trellis completion fish | source
    """
    made = get_completion_class(shell)
    if made is None:
        raise UsageError(f"there is no completion for {shell}", hint=f"choose one of {', '.join(SHELLS)}")
    program = context.find_root().command
    click.echo(made(program, {}, "trellis", "_TRELLIS_COMPLETE").source())
