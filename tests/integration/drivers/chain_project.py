"""A project with a chain of environments on this machine, and the command line on it."""

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

STACK = """from trellis import Role, Stack, default, dynamic_file, required

shop = Stack("NAME")


@shop.role
class Web(Role):
    greeting = default("hello", "what is said")
    place = required(str, "where it is said")
    folder = required(str, "where the file goes")

    @dynamic_file("FOLDER/ENVIRONMENT.txt")
    def motd(self):
        return f"{self.greeting} from {self.place}\\n"
"""
REGION = """
    region = required(str, "where on earth")
"""
LATER = """

@shop.role
class Later(Role):
    pass
"""


@dataclass
class Chain:
    """A project in a repository, with the command line; everything is below one folder."""

    root: Path

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        ended = self.run([Path(sys.executable).parent / "trellis"], *arguments, stdin=stdin)
        assert ended.returncode == code, f"trellis {' '.join(arguments)}\n{ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    def out(self, *arguments: str) -> str:
        """Standard output alone."""
        ended = self.run([Path(sys.executable).parent / "trellis"], *arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def run(self, program: list[Path | str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *arguments],
            cwd=self.root,
            env={**os.environ, "TRELLIS_KEY_FILE": str(self.root.parent / "key.txt"), "PYTHONWARNINGS": "error"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def said(self, environment: str) -> str:
        return (self.root.parent / "hosts" / environment / "motd").read_text()


def made(folder: Path) -> Chain:
    """One host an environment; the third change is in no release."""
    root = folder / "my shop"
    (root / "environments").mkdir(parents=True)
    stack = STACK.replace("FOLDER/ENVIRONMENT.txt", f"{folder}/hosts/motd").replace(
        '    folder = required(str, "where the file goes")\n', ""
    )
    (root / "stack.py").write_text(stack.replace("NAME", f"shop-{uuid.uuid4().hex[:8]}"))
    (root / "trellis.yaml").write_text("default_environment: dev\n")
    (root / ".gitignore").write_text(".trellis/\n")
    for name, before in (("dev", ""), ("test", "dev"), ("prod", "test")):
        pulls = f"pulls_from: {before}\n" if before else ""
        text = f'{pulls}hosts: {{here: {{connect: "local://", roles: [Web]}}}}\nconfig: {{Web.place: {name}}}\n'
        (root / "environments" / f"{name}.yaml").write_text(text)
    chain = Chain(root)
    chain.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "An Operator"), ("user.email", "operator@example.org")):
        chain.git("config", key, value)
    chain.git("add", "-A")
    chain.git("commit", "-q", "-m", "Start")
    return chain


def released(chain: Chain) -> Chain:
    """Release 7.2 of two changes out of three, published by dev; it needs a value that test and prod lack."""
    chain("change", "start", "greet", "--title", "Say hi")
    chain("set", "Web.greeting", "hi", "--change", "greet")
    chain("change", "start", "region", "--title", "Say where on earth")
    stack = chain.root / "stack.py"
    text = stack.read_text()
    stack.write_text(
        text.replace("    place = required", REGION + "    place = required").replace(
            "from {self.place}", "from {self.place} in {self.region}"
        )
    )
    chain("change", "commit", "region", "-m", "Add the region")
    chain("change", "start", "later", "--title", "Not yet")
    stack.write_text(text.replace("\n\n\n@shop.role", f"{LATER}\n\n@shop.role", 1))
    chain("change", "commit", "later", "-m", "Later")
    stack.write_text(text)
    for name in ("greet", "region", "later"):
        chain("change", "apply", name, "-e", "dev", "--yes")
    chain("release", "create", "7.2", "--changes", "greet,region")
    chain("config", "set", "Web.region", "lab", "-e", "dev")
    chain("up", "-e", "dev", "--yes")
    chain("publish", "7.2", "-e", "dev")
    return chain
