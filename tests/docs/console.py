"""Runs console examples as a reader would: one shell's folder and variables for a page."""

import os
import subprocess
import sys
from pathlib import Path

from examples import Command, Example, commands, matches

ROOT = Path(__file__).parents[2]
MINUTES = 5


class Reader:
    """Someone who follows a page, in an empty folder and home of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.home = folder / "home"
        for path in (self.folder, self.home):
            path.mkdir()
        self.here = self.folder
        self.status = 0
        site = folder / "site"
        tools = Path(sys.executable).parent
        kept = {
            key: os.environ[key] for key in ("DOCKER_HOST", "LANG", "TMPDIR", "PIP_CONFIG_FILE") if key in os.environ
        }
        self.variables = {
            **kept,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "USER": "reader",
            "LOGNAME": "reader",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "A reader",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "reader@example.org",
            # `pip install .` goes into a folder of the reader's, not into the environment that runs the tests.
            "PIP_TARGET": str(site),
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "false",  # pip reads it the wrong way round: isolation is off
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": str(site),
        }

    def follow(self, example: Example) -> None:
        """Run a console example, or write the file that a code example shows."""
        if example.language == "console":
            self._run_all(example)
        elif example.caption:
            path = self.here / example.caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(example.text, encoding="utf-8")

    def leave(self) -> None:
        """Take down what a page that failed half-way left on the engine."""
        for project in self.folder.rglob("trellis.yaml"):
            for environment in project.parent.glob("environments/*.yaml"):
                if not environment.name.endswith((".secrets.yaml", ".keys.yaml")):
                    self.here = project.parent
                    self._run(f"trellis destroy -e {environment.stem} --yes")

    def _run_all(self, example: Example) -> None:
        asked = commands(example)
        for command, following in zip(asked, [*asked[1:], None], strict=True):
            printed = self._run(command.text)
            said = f"{example.place}: $ {command.text}\n{printed}\n(status {self.status})"
            if following is None or following.text != "echo $?":
                assert self.status == 0, said
            if command.expected:
                assert matches(command.expected, printed), f"{said}\nexpected:\n" + "\n".join(command.expected)

    def _run(self, text: str) -> str:
        """What a command prints on both streams; its folder and status are kept for the next one."""
        end = self.home / ".end"
        script = f'(exit {self.status})\n{text}\nstatus=$?\npwd -P > "$1"\nexit $status'
        completed = subprocess.run(
            ["bash", "-c", script, "bash", str(end)],
            check=False,
            cwd=self.here,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MINUTES * 60,
        )
        self.status = completed.returncode
        if end.exists():
            self.here = Path(end.read_text(encoding="utf-8").strip())
        return completed.stdout


__all__ = ["ROOT", "Command", "Reader"]
