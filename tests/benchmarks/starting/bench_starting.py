"""Time that `trellis --help` takes, against its promise: run it as a program; exit code 1 when the promise is broken.

python tests/benchmarks/starting/bench_starting.py
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROMISED = 0.28
RUNS = 11


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> int:
    """Print the figures; 1 when the promise is broken."""
    command = [str(Path(sys.executable).with_name("trellis")), "--help"]
    seconds(command)  # the first run fills the disk's cache
    times = sorted(seconds(command) for _ in range(RUNS))
    taken = median(times)
    print(f"trellis --help: median of {RUNS} {taken:.3f} s ({times[0]:.3f} to {times[-1]:.3f}), promised {PROMISED} s")
    return int(taken > PROMISED)


if __name__ == "__main__":
    sys.exit(main())
