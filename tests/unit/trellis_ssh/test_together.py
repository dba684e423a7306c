"""Commands that are sent to a host as one come back apart."""

import asyncio
import subprocess
from collections.abc import Sequence

import pytest

from trellis.errors import TimedOutError, UnreachableError
from trellis.hosts import Completed
from trellis_ssh.together import Together, divided


class Shell:
    """Runs commands here, and remembers them."""

    def __init__(self) -> None:
        self.ran: list[Sequence[str]] = []

    async def __call__(self, argv: Sequence[str], timeout: float) -> Completed:
        self.ran.append(argv)
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)  # noqa: ASYNC221 - short
        return Completed(tuple(argv), ended.returncode, ended.stdout, ended.stderr)


def together(shell: Shell) -> Together:
    return Together(shell, lambda: "end-of-one")


async def test_three_commands_are_one_and_each_gets_its_own_answer():
    shell = Shell()
    one = together(shell)
    commands = [
        ("printf", "%s", "no line end"),
        ("sh", "-c", "echo out; echo err >&2; exit 3"),
        ("echo", 'it\'s $HOME; `x` "y"', "*"),
    ]
    answers = await asyncio.gather(*(one.run(command, 10) for command in commands))
    assert len(shell.ran) == 1
    assert answers == [
        Completed(commands[0], 0, "no line end", ""),
        Completed(commands[1], 3, "out\n", "err\n"),
        Completed(commands[2], 0, 'it\'s $HOME; `x` "y" *\n', ""),
    ]


async def test_one_command_is_sent_as_it_is():
    shell = Shell()
    assert (await together(shell).run(("echo", "x"), 10)).stdout == "x\n"
    assert shell.ran == [("echo", "x")]


async def test_a_command_that_is_late_does_not_spoil_the_others():
    one = together(Shell())
    late, fine = await asyncio.gather(one.run(("sleep", "5"), 0.2), one.run(("echo", "x"), 5), return_exceptions=True)
    assert isinstance(late, TimedOutError)
    assert isinstance(fine, Completed)
    assert fine.stdout == "x\n"


async def test_a_host_that_goes_away_is_told_to_everybody():
    async def gone(_: Sequence[str], __: float) -> Completed:
        raise UnreachableError("gone")

    one = Together(gone, lambda: "word")
    answers = await asyncio.gather(one.run(("a",), 1), one.run(("b",), 1), return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnreachableError, UnreachableError]


async def test_more_than_fits_into_one_argument_is_sent_apart():
    shell = Shell()
    one = together(shell)
    await asyncio.gather(*(one.run(("true", "x" * 60_000), 10) for _ in range(2)))
    assert len(shell.ran) == 2


@pytest.mark.parametrize("status", [0, 137])
def test_what_the_shell_did_not_get_to_has_failed(status):
    whole = Completed((), status, "first\nword 0\nsecond", "word\n")
    first, second = divided([("a",), ("b",)], whole, "word")
    assert (first.status, first.stdout) == (0, "first\n")
    assert second.status == (status or 255)
