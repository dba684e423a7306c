import click
import pytest

from trellis.cli.edge import exit_code_of
from trellis.errors import LockedError, UnknownEnvironmentError


def raising(error: BaseException) -> object:
    raise error


def test_an_error_says_what_where_and_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    error = UnknownEnvironmentError("there is no environment x", where="environments", hint="trellis init")
    assert exit_code_of(lambda: raising(error)) == 6
    assert capsys.readouterr() == ("", "error: there is no environment x\n  at: environments\n  try: trellis init\n")


def test_what_is_not_known_takes_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: raising(LockedError("held"))) == 10
    assert capsys.readouterr().err == "error: held\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_cancelling_ends_with_8(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: raising(error)) == 8
    assert capsys.readouterr().err == "error: cancelled\n"


def test_a_bug_shows_its_traceback_and_ends_with_255(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: raising(ZeroDivisionError("oops"))) == 255
    assert "ZeroDivisionError: oops" in capsys.readouterr().err


def test_a_hosts_words_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code_of(lambda: raising(LockedError("a\x1b[2Jb")))
    assert capsys.readouterr().err == "error: a\ufffd[2Jb\n"


@pytest.mark.parametrize(("result", "code"), [(None, 0), (7, 7)])
def test_a_command_may_choose_its_exit_code(result: object, code: int) -> None:
    assert exit_code_of(lambda: result) == code
