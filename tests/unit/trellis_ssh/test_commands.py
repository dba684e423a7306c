"""The one line that a host's shell gets."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis_ssh.commands import (
    Elevation,
    Markers,
    Rights,
    command_line,
    dial_command,
    parse_rights,
    past_sudo,
    rights_command,
)

MARKERS = Markers("ask-1", "go-1")
ARGUMENT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(deadline=None)  # each example starts a shell, on a machine that is busy with other tests
@given(st.lists(ARGUMENT, max_size=5))
def test_a_shell_hands_every_argument_on_as_it_is(arguments):
    line = command_line(["printf", "%s\\0", *arguments], Elevation.NONE, MARKERS)
    printed = subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout
    expected = "".join(f"{argument}\0" for argument in arguments or [""])
    assert printed.decode() == expected


@pytest.mark.parametrize(
    ("elevation", "timeout", "line"),
    [
        (Elevation.NONE, None, "cat '/a b'"),
        (Elevation.NONE, 60.0, "timeout -k 5 60 cat '/a b'"),
        (Elevation.NONE, 0.5, "timeout -k 5 0.5 cat '/a b'"),
        (
            Elevation.FREE,
            60.0,
            "sudo -n -- sh -c 'printf %s \"$0\" >&2; exec \"$@\"' go-1 timeout -k 5 60 cat '/a b'",
        ),
        (
            Elevation.PASSWORD,
            60.0,
            "sudo -k -S -p ask-1 -- sh -c 'printf %s \"$0\" >&2; exec \"$@\"' go-1 timeout -k 5 60 cat '/a b'",
        ),
    ],
)
def test_deadline_and_sudo(elevation, timeout, line):
    assert command_line(["cat", "/a b"], elevation, MARKERS, timeout) == line


def test_what_sudo_says_is_told_from_what_the_command_says():
    assert past_sudo("sudo: unable to resolve host\ngo-1cat: no such file\n", MARKERS) == "cat: no such file\n"
    assert past_sudo("sudo: a password is required\n", MARKERS) is None


def test_rights_are_read_from_one_answer():
    answer = "deploy\n1000\nsudo\nfree\n/var/run/docker.sock\nclosed\ndocker\n"
    assert parse_rights(answer) == Rights(
        "deploy", root=False, free_sudo=True, sudo=True, socket="/var/run/docker.sock", socket_open=False, dial="docker"
    )


def test_rights_of_an_account_that_has_none():
    assert parse_rights("plain\n1004\nnone\nasks\n\nclosed\n\n") == Rights("plain")


def test_the_question_for_rights_runs_here_and_finds_no_socket_where_there_is_none(tmp_path):
    printed = subprocess.run(
        rights_command(str(tmp_path / "none.sock")),
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    rights = parse_rights(printed.stdout.decode())
    assert (rights.socket, rights.socket_open) == ("", False)
    assert rights.user


def test_relays():
    assert dial_command(Rights("a", socket="/s", dial="docker")) == [
        "docker",
        "--host",
        "unix:///s",
        "system",
        "dial-stdio",
    ]
    assert dial_command(Rights("a", socket="/s", dial="socat")) == ["socat", "STDIO", "UNIX-CONNECT:/s"]
