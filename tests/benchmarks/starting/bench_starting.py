"""Times starting and finding nothing to do, side by side with what a user would run instead, as ratios.

python tests/benchmarks/starting/bench_starting.py

Whole processes, in turn: `trellis --help` and `pyinfra --help`; `trellis up` and `docker-compose up -d` (Debian's) with
the same three containers, all up to date. It installs pyinfra into .trellis-bench, and as root docker-compose.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 15
HERE = Path(__file__).parent
ROOT = HERE.parents[2]
OTHERS = ROOT / ".trellis-bench/venv/bin"
TRELLIS = str(Path(sys.executable).with_name("trellis"))


@dataclass(frozen=True, slots=True)
class Run:
    """A command that is timed, and the folder that it runs in."""

    argv: tuple[str, ...]
    folder: Path


def main() -> None:
    """Print both comparisons."""
    install_others()
    with tempfile.TemporaryDirectory() as root:
        work = Path(root)
        here = Run((TRELLIS, "--help"), work)
        compare("--help", here, "pyinfra --help", Run((str(OTHERS / "pyinfra"), "--help"), work), promised=0.35)
        with three_containers(work) as (ours, theirs):
            compare("up, nothing to change", ours, "docker-compose up -d", theirs, promised=1.0)


def install_others() -> None:
    """pyinfra in an environment of its own, and Debian's docker-compose, once; the image of the containers."""
    if not (OTHERS / "pyinfra").exists():
        print("installing pyinfra into .trellis-bench/venv", file=sys.stderr)
        venv.create(OTHERS.parent, with_pip=True)
        subprocess.run([OTHERS / "pip", "install", "--quiet", "pyinfra"], check=True)
    if not shutil.which("docker-compose"):
        subprocess.run([ROOT / "scripts/apt-install", "docker-compose"], check=True)
    subprocess.run([ROOT / "scripts/images", "trellis-test/echo:1"], check=True)


@contextmanager
def three_containers(work: Path) -> Iterator[tuple[Run, Run]]:
    """The same three containers by either program, up, and removed at the end."""
    for name in ("trellis", "compose"):
        shutil.copytree(HERE / "work" / name, work / name)
    ours = Run((TRELLIS, "up", "--env", "dev", "--yes"), work / "trellis")
    theirs = Run(("docker-compose", "--project-name", "bench-starting-compose", "up", "-d"), work / "compose")
    try:
        seconds(ours)
        seconds(theirs)
        yield ours, theirs
    finally:
        seconds(Run((TRELLIS, "destroy", "--env", "dev", "--yes"), ours.folder))
        seconds(Run((*theirs.argv[:3], "down"), theirs.folder))


def compare(what: str, ours: Run, other: str, theirs: Run, *, promised: float) -> None:
    """Time both in turn, so that what else the machine does meets both, and print the ratio of the medians."""
    seconds(ours)  # the first run fills the disk's cache
    seconds(theirs)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    mine, its = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    print(f"trellis {what}: {mine:.3f} s; {other}: {its:.3f} s; ratio {mine / its:.2f} (promised: at most {promised})")


def seconds(run: Run) -> float:
    """Wall time of one whole process; what it says is shown when it fails."""
    started = time.perf_counter()
    ended = subprocess.run(run.argv, cwd=run.folder, env=_variables(), capture_output=True, text=True, check=False)
    taken = time.perf_counter() - started
    if ended.returncode:
        sys.exit(f"{' '.join(run.argv)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return taken


def _variables() -> dict[str, str]:
    """The caller's environment, but for what would keep Python from using compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    main()
