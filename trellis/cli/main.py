"""The program `trellis`: finds the command that was typed, imports it alone, and runs it."""

import gc
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from trellis.cli.edge import cancel_when_ended, exit_code_of
from trellis.cli.options import project_option
from trellis.cli.output import progress
from trellis.cli.streams import make_usable

if TYPE_CHECKING:
    from trellis.plugin.registry import Plugins

_SECTIONS = {
    "Describe and deploy": {
        "init": "start a project in a folder",
        "check": "check the stack and the environments, without any host",
        "describe": "show what the stack declares",
        "plan": "show what `up` would do",
        "up": "bring an environment to what the stack declares",
        "destroy": "remove what was made for an environment",
    },
    "Look": {
        "status": "show what runs where, and whether it is healthy",
        "drift": "show what somebody else changed since",
        "watch": "look again and again; tell what is new, or bring it back",
        "scan": "look at the hosts: size, system, engine, others' use",
        "firewall": "explain what the hosts' firewalls let through",
        "history": "show the runs and their steps",
    },
    "Move and go back": {
        "rebalance": "even out the load: before, after, and the moves between",
        "advise": "say which hosts could be used better, or given back",
        "rollback": "go back to what an earlier run applied",
    },
    "Environments": {
        "host": "list, add, drain, retire, remove and trust hosts",
        "role": "list roles, give them to hosts and take them away",
        "config": "show and set config values",
        "secret": "set, list and remove secrets",
        "export": "write an environment and its history to one document",
        "import": "bring an exported environment into a project",
        "lock": "show and break locks",
    },
    "Changes": {
        "set": "set attributes of the stack without editing it",
        "extract": "move a service to another role, as a change",
        "change": "start, show, apply and revert change-sets",
        "release": "make releases of change-sets",
        "publish": "publish a release for the next environment",
        "pull": "bring a published release into an environment's branch",
        "promote": "pull a release and bring the environment's hosts to it",
        "sync": "move main forwards to where another repository has it",
        "diff": "show what differs between two environments",
        "serve": "serve publications to other projects over mutual TLS",
        "console": "run up, status or scan where this environment pulls from",
    },
    "Trellis itself": {
        "plugins": "list the plugins and what they offer",
        "completion": "print the script that completes commands in your shell",
    },
}
"""What ``--help`` shows, in its order: heading, command name, and the command's line."""

_FROM_PLUGINS = "From plugins"
_BUNDLED = {name: summary for commands in _SECTIONS.values() for name, summary in commands.items()}
# A function called set would hide Python's own, and nothing can be called import.
_PLACES = {"set": "set:set_command", "import": "importing:import_command"}
COMMANDS = {name: (f"trellis.cli.{_PLACES.get(name, f'{name}:{name}')}", summary) for name, summary in _BUNDLED.items()}
"""Command name → (module:attribute, the line that ``--help`` shows); the modules are imported when run."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Bundled commands in the order of the table, then those of plugins."""
        return list(self._summaries(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported; plugins are only loaded for a name that is not bundled."""
        if _there(cmd_name):
            return _imported(COMMANDS[cmd_name][0])
        targets = {command.name: command.target for command in _plugins(ctx).commands()}
        return _imported(targets[cmd_name]) if cmd_name in targets else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their summaries under headings, from the tables alone."""
        known = self._summaries(ctx)
        added = {name: summary for name, summary in known.items() if name not in _BUNDLED}
        for heading, commands in {**_SECTIONS, _FROM_PLUGINS: added}.items():
            rows = [(name, known[name]) for name in commands if name in known]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=12)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so, without importing any command."""
        commands = self._summaries(ctx).items()
        found = [CompletionItem(name, help=summary) for name, summary in commands if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command and its arguments.

        Raises:
            click.UsageError: there is none of that name; it tells the nearest one.
        """
        command = self.get_command(ctx, args[0])
        if command is None and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            guess = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}{guess}", ctx)
        return super().resolve_command(ctx, args)

    def _summaries(self, ctx: click.Context) -> dict[str, str]:
        bundled = {name: summary for name, (_, summary) in COMMANDS.items() if _there(name)}
        added = {command.name: command.summary for command in _plugins(ctx).commands()}
        return bundled | {name: summary for name, summary in added.items() if name not in bundled}


def _there(name: str) -> bool:
    module = _PLACES.get(name, name).partition(":")[0]
    return name in COMMANDS and (Path(__file__).parent / f"{module}.py").is_file()


def _imported(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _plugins(ctx: click.Context) -> "Plugins":
    """The plugins, loaded once a run; those that fail are told of."""
    from trellis.plugin.registry import Plugins

    known: Plugins | None = ctx.meta.get("plugins")
    if known is None:
        ctx.meta["plugins"] = known = Plugins.load()
        for warning in known.warnings:
            progress(f"warning: {warning}")
    return known


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: trellis up --env dev",
)
@click.version_option(package_name="opencluster-trellis", prog_name="trellis")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="When to use colour.")
@project_option
@click.pass_context
def cli(ctx: click.Context, color: str, directory: Path) -> None:  # noqa: ARG001 - its option has done its work
    """Describe services as Python classes; run them on the hosts you already have."""
    if color != "auto":
        ctx.color = color == "always"
    elif os.environ.get("NO_COLOR"):  # no-color.org: whatever it says, when it says something
        ctx.color = False


def main() -> None:
    """Run the command line, and exit."""
    # Most of what a run makes lives until its end: looking for garbage every 700 objects finds none, and takes a tenth.
    gc.set_threshold(50_000, 20, 50)
    make_usable()
    cancel_when_ended()
    sys.exit(exit_code_of(lambda: cli.main(prog_name="trellis", standalone_mode=False)))
