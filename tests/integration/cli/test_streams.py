"""The program itself, started as a shell starts it, with standard streams that are closed, full or narrow."""

import subprocess
import sys
from pathlib import Path

import pytest

STACK = 'from trellis import Stack\n\nshop = Stack("shop")\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    (root / "environments").mkdir(parents=True)
    (root / "stack.py").write_text(STACK)
    (root / "trellis.yaml").write_text("default_environment: dev\n")
    (root / "environments" / "dev.yaml").write_text('hosts: {here: {labels: {town: "Łódź"}}}\n', encoding="utf-8")
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "key.txt"))
    return root


def trellis(project: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the project, its streams redirected by a shell."""
    program = [sys.executable, "-c", "from trellis.cli.main import main; main()", *arguments]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *program],
        cwd=project,
        capture_output=True,
        check=False,
        encoding="latin-1",
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("host", "remove", "here"), "needs a confirmation"),
        (("secret", "set", "Website.password"), "a secret cannot be empty"),
    ],
)
def test_with_standard_input_closed_nothing_is_asked_and_nothing_done(
    project: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = trellis(project, "<&-", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert sorted(path.name for path in (project / "environments").iterdir()) == ["dev.yaml"]
    assert "here" in (project / "environments" / "dev.yaml").read_text()


def test_with_standard_output_closed_the_command_still_works(project: Path) -> None:
    done = trellis(project, ">&-", "host", "list")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_without_a_traceback(project: Path) -> None:
    done = trellis(project, ">/dev/full", "host", "list")
    assert (done.returncode, done.stderr) == (1, "error: cannot write: No space left on device\n")


def test_a_reader_that_has_gone_causes_no_traceback(project: Path) -> None:
    done = trellis(project, "| true", "host", "list", "--json")
    assert done.stderr == ""


def test_letters_that_the_encoding_lacks_are_replaced(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    done = trellis(project, "", "host", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "town=?ód?" in done.stdout
