from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trellis.cli.edge import exit_code_of
from trellis.cli.main import cli

STACK = """
from trellis import Role, Service, Stack, default, listens, one_per_host, required, runs, secret

shop = Stack("shop")


@shop.service(image="shop/website:1")
class Website(Service):
    http = listens(80)
    workers = default(4, help="processes")
    names = required(list[str])
    password = secret()


@shop.role
class Web(Role):
    website = runs(Website, one_per_host)
"""
DEV = """# ours
hosts:
  here: {connect: "local://", roles: [Web]}  # this machine
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    (root / "environments").mkdir(parents=True)
    (root / "stack.py").write_text(STACK)
    (root / "trellis.yaml").write_text("default_environment: dev\n")
    (root / "environments" / "dev.yaml").write_text(DEV)
    monkeypatch.setenv("TRELLIS_KEY_FILE", str(tmp_path / "key.txt"))
    return root


@pytest.fixture
def trellis(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in the project as the program does: (exit code, standard output, standard error)."""

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        shown: list[Result] = []

        def command() -> object:
            shown.append(CliRunner().invoke(cli, arguments, input=stdin, standalone_mode=False))
            if shown[0].exception is not None:
                raise shown[0].exception
            return shown[0].return_value

        with chdir(project):
            code = exit_code_of(command)
        return code, shown[0].stdout, shown[0].stderr + capsys.readouterr().err

    return run
