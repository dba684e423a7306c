"""A project in a folder, and its commands as a user runs them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HEAD = "from trellis import *\n\nstack = Stack('NAME')\n\n"
ECHO = """
@stack.service(image="trellis-test/echo:1", memory="32 MiB")
class Echo(Service):
    http = listens(8080, health="/healthz")

@stack.role
class Web(Role):
    echo = runs(Echo, exactly(1))
"""
HERE = "hosts:\n  here: {connect: 'local://', address: 127.0.0.1, roles: [web]}\n"


@dataclass(frozen=True)
class Ended:
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Project:
    folder: Path
    name: str

    def write(self, program: str, environment: str = HERE) -> None:
        (self.folder / "environments").mkdir(parents=True, exist_ok=True)
        (self.folder / "stack.py").write_text((HEAD + program).replace("NAME", self.name))
        (self.folder / "trellis.yaml").write_text("default_environment: dev\n")
        (self.folder / "environments/dev.yaml").write_text(environment)

    @property
    def command(self) -> str:
        return str(Path(sys.executable).with_name("trellis"))

    def environment(self, **more: str) -> dict[str, str]:
        return os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")} | more

    def run(self, *words: str, **more: str) -> Ended:
        ended = subprocess.run(
            [self.command, *words],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def containers(self) -> list[str]:
        command = [
            "docker",
            "ps",
            "-a",
            "--filter",
            f"label=io.trellis.stack={self.name}",
            "--format",
            "{{.Names}} {{.State}}",
        ]
        return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
