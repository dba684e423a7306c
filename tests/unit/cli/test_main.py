import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from trellis.cli.main import COMMANDS, cli

HEAVY = {
    "docker",
    "sqlalchemy",
    "asyncssh",
    "ruamel",
    "pyrage",
    "jinja2",
    "cryptography",
    "pydantic",
    "numpy",
    "asyncio",
}


def built() -> list[str]:
    folder = Path(sys.modules["trellis.cli.main"].__file__ or "").parent
    return [name for name in COMMANDS if (folder / f"{name}.py").is_file()]


def commands_below(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands_below(f"{path} {name}", child)


def every_command() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name in built():
        module, _, attribute = COMMANDS[name][0].partition(":")
        found += commands_below(name, getattr(import_module(module), attribute))
    return found


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = "from trellis.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)


def test_help_imports_no_command_and_nothing_heavy() -> None:
    program = (
        "import sys\nfrom trellis.cli.main import cli\ncli.main(['--help'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(ended.stderr.split())
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert not {COMMANDS[name][0].partition(":")[0] for name in COMMANDS} & modules


def test_help_lists_the_commands_that_there_are_and_those_of_plugins() -> None:
    shown = CliRunner().invoke(cli, ["-h"]).output
    assert all(f"\n  {name} " in shown for name in [*built(), "lab"])


@pytest.mark.parametrize(
    ("path", "command"), every_command(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_shows_an_example(path: str, command: click.Command) -> None:
    assert f"trellis {path}" in (command.epilog or "")
    shown = CliRunner().invoke(cli, [*path.split(), "-h"])
    assert (shown.exit_code, shown.output.partition(" ")[0]) == (0, "Usage:"), shown.output


def test_a_mistyped_command_is_told_the_nearest() -> None:
    ended = run("histroy")
    assert ended.returncode == 2
    assert ended.stderr == "error: there is no command 'histroy'; did you mean history?\n  try: trellis --help\n"
    assert ended.stdout == ""


def test_without_a_command_the_help_is_shown_and_nothing_was_done() -> None:
    ended = run()
    assert ended.returncode == 2
    assert ended.stderr.startswith("Usage: trellis")


def test_completion_offers_commands_and_environments(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    for name in ("dev.yaml", "dev.secrets.yaml", "prod.yaml"):
        (tmp_path / "environments" / name).touch()
    completed = CliRunner().invoke(
        cli,
        prog_name="trellis",
        env={
            "_TRELLIS_COMPLETE": "bash_complete",
            "COMP_WORDS": f"trellis history -C {tmp_path} --env d",
            "COMP_CWORD": "5",
        },
    )
    assert completed.output == "plain,dev\n"


def test_the_project_is_named_before_or_after_the_command(project: Path) -> None:
    for arguments in (["-C", str(project), "host", "list"], ["host", "list", "-C", str(project)]):
        ended = run(*arguments)
        assert (ended.returncode, ended.stdout.splitlines()[1].split()[0]) == (0, "here")
