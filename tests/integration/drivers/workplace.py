"""A project on a lab's hosts, driven by the real program as an operator drives it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trellis_lab import Lab

ROOT = Path(__file__).parents[3]


def until(holds: Callable[[], bool], seconds: float = 30.0, what: str = "") -> None:
    """Wait for something that happens elsewhere."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"did not happen within {seconds:g} s: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Ended:
    """How the program ended: standard output and standard error apart and together."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Workplace:
    """A folder with a stack and its environments, whose hosts are those of a lab."""

    folder: Path
    lab: Lab
    stack: str

    @property
    def variables(self) -> dict[str, str]:
        return os.environ | {"TRELLIS_KEY_FILE": str(self.folder.parent / "key.txt")}

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).parent / "trellis"), "-C", str(self.folder), *words]

    def trellis(self, *words: str, status: int = 0, timeout: float = 240) -> Ended:
        ended = subprocess.run(
            self.command(*words), capture_output=True, text=True, env=self.variables, timeout=timeout, check=False
        )
        assert ended.returncode == status, f"status {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """The program, running; its standard error is a pipe that gives the progress line by line."""
        return subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.variables,
        )

    def up_until(self, at: str, fault: Callable[[], None], *words: str) -> Ended:
        """An `up` in whose middle something happens: it stands still from the progress line with `at` until it has."""
        running = self.start("up", "--yes", *words)
        assert running.stderr
        said = ""
        for line in running.stderr:
            said += line
            if at in line:
                running.send_signal(signal.SIGSTOP)
                try:
                    fault()
                finally:
                    running.send_signal(signal.SIGCONT)
                break
        out, err = running.communicate(timeout=120)
        assert at in said, said
        return Ended(running.returncode, out, said + err)

    def plan(self, *words: str) -> list[tuple[str, str, str]]:
        """(verb, id, reason) of what an `up` would do."""
        return [
            (step["verb"], step["id"], step["reason"])
            for step in self.trellis("plan", "--json", *words).document["steps"]
            if step["verb"] != "keep"
        ]

    def environment(
        self, roles: Mapping[str, Sequence[str]], *, user: str = "deploy", options: str = "", config: str = ""
    ) -> None:
        """Write the environment file: the lab's hosts that are named, with their roles."""
        lines = ["hosts:"]
        for host, carried in roles.items():
            address = self.lab.host(host).address
            keys = f"identity_file: {self.lab.access.identity}, known_hosts: {self.lab.access.known_hosts}"
            lines.append(
                f'  {host}: {{connect: "ssh://{user}@{address}", address: {address}, '
                f"roles: [{', '.join(carried)}], options: {{{keys}{options}}}}}"
            )
        file = self.folder / "environments" / "dev.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(lines) + "\n" + config)

    def change(self, before: str, after: str, file: str = "stack.py") -> None:
        program = self.folder / file
        text = program.read_text()
        assert before in text
        program.write_text(text.replace(before, after))

    def secret(self, key: str, value: str) -> None:
        (self.folder.parent / "value").write_text(value)
        self.trellis("secret", "set", key, "--from-file", str(self.folder.parent / "value"))

    def on(self, host: str, *argv: str) -> str:
        """What a command prints that runs as root on a host, past Trellis and ssh."""
        status, output = self.lab.execute(host, *argv)
        assert status == 0, f"{argv} on {host}: {output}"
        return output

    def containers(self, form: str = "{{.Names}}") -> dict[str, list[str]]:
        """The environment's containers on each host, running or not."""
        return {
            host.name: sorted(
                self.on(
                    host.name,
                    *("docker", "ps", "--all", "--format", form),
                    *("--filter", f"label=io.trellis.stack={self.stack}"),
                ).splitlines()
            )
            for host in self.lab.hosts
        }

    def page(self, host: str, port: int, domain: str, path: str = "/", seconds: float = 40.0) -> str:
        """What visitors of a host's proxy get, once it answers."""
        request = urllib.request.Request(f"http://{self.lab.host(host).address}:{port}{path}", headers={"Host": domain})
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - http, to the lab
                    return answer.read().decode()
            except (OSError, urllib.error.URLError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
