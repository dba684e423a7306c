"""The edge: turns whatever a command raises into a message and an exit code, once."""

import errno
import signal
import sys
import traceback
from collections.abc import Callable

import click

from trellis.cli.output import harmless
from trellis.errors import CancelledError, TrellisError

BUG = 255
_MACHINE_FULL = (errno.ENOSPC, errno.EDQUOT)  # nobody's bug, and it can strike at any line


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command; its exit code. A command that returns an int chooses it, any other result is 0."""
    try:
        result = command()
    except TrellisError as error:
        return _told(error.what, str(error.where or ""), error.hint or "", error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)  # noqa: T201 - help, not an error of the operator's
        return error.exit_code
    except click.ClickException as error:
        return _told(_sentence(error.format_message()), "", _help_of(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _told("cancelled", "", "", CancelledError.exit_code)
    except Exception as error:  # noqa: BLE001 - the last resort: what nobody expected is a bug, and shown as one
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def cancel_when_ended() -> None:
    """Treat SIGTERM like Ctrl-C: finish the step, release the lock, record. Docker and systemd end programs so."""
    signal.signal(signal.SIGTERM, _cancel)


def _cancel(_number: int, _frame: object) -> None:
    """As Ctrl-C does; a program that a script started in the background ignores that, and is to end nevertheless."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno in _MACHINE_FULL:
        return _told(f"cannot write: {error.strerror}", error.filename or "", "", TrellisError.exit_code)
    traceback.print_exception(error)
    return _told("this is a bug in Trellis or in a plugin", "", "report it with the lines above", BUG)


def _told(what: str, where: str, hint: str, code: int) -> int:
    lines = (
        f"error: {what}",
        f"  at: {where}" if where else "",
        "  try: " + hint.replace("\n", "\n       ") if hint else "",
    )
    for line in filter(None, lines):
        print(harmless(line), file=sys.stderr)  # noqa: T201 - click may be what failed
    return code


def _sentence(text: str) -> str:
    """A message of click in the form of ours: lower case, without a full stop."""
    return text[:1].lower() + text[1:].removesuffix(".")


def _help_of(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help" if context else ""
