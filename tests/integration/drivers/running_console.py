"""The console of an environment, run as its own process by the real program."""

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from chain_project import Chain


@dataclass
class Running:
    """A console that runs, and what it said."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str]
    reader: threading.Thread

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def said(self, words: str) -> bool:
        """Whether it says this within some seconds."""
        until = monotonic() + 10
        while monotonic() < until:
            if any(words in line for line in self.lines):
                return True
            threading.Event().wait(0.02)
        return False


def start(dev: Chain, name: str = "dev") -> Running:
    """The real program, as its own process."""
    process = subprocess.Popen(
        [Path(sys.executable).parent / "trellis", "serve", "publisher", "-e", name, "--port", "0"],
        cwd=dev.root,
        env={**os.environ, "TRELLIS_KEY_FILE": str(dev.root.parent / "key.txt"), "PYTHONWARNINGS": "error"},
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    first = process.stderr.readline()
    found = re.search(r"https://\S+", first)
    assert found, first + process.stderr.read()
    reader = threading.Thread(target=lambda stream: lines.extend(iter(stream.readline, "")), args=(process.stderr,))
    reader.start()
    return Running(process, found[0], lines, reader)


def ended(console: Running) -> int:
    console.process.send_signal(signal.SIGTERM)
    code = console.process.wait(20)
    console.reader.join(10)
    assert console.process.stderr is not None
    console.process.stderr.close()
    assert console.said("stopped")
    return code


def root_of(chain: Chain, environment: str) -> str:
    """Issue the console's own certificate; its root, as PEM."""
    said = chain("cert", "issue", "--server", "127.0.0.1", "-e", environment)
    return said[said.index("-----BEGIN") : said.index("-----END CERTIFICATE-----") + 26]
