"""How long `change list` and `pull` take with 500 change-sets in 6 environments, against what was promised.

    python tests/benchmarks/changes/bench_changes.py

The repository is made by ``git fast-import``: every change-set sets a label of its own, so that no two of them are
alike and every one of them writes the same file. dev has all but the last twenty, each later environment twenty fewer.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

CHANGES = 500
ENVIRONMENTS = ("dev", "qa", "test", "uat", "stage", "prod")
LIST_SECONDS = 1.0
PULL_SECONDS = 3.0
RUNS = 5
STACK = """from trellis import Service, Stack, listens

shop = Stack("shop")


@shop.service(image="shop/website:1")
class Website(Service):
    http = listens(8080)
"""
WHO = "An Operator <operator@example.org>"


def main() -> int:
    """Print each figure beside its promise; 1 when one is broken."""
    with tempfile.TemporaryDirectory(prefix="bench-changes-") as folder:
        root = Path(folder) / "shop"
        os.environ["TRELLIS_KEY_FILE"] = str(Path(folder) / "key.txt")
        make(root)
        listed = median([seconds(root, "change", "list") for _ in range(RUNS)])
        shown(f"change list, {CHANGES} change-sets, {len(ENVIRONMENTS)} environments", listed, LIST_SECONDS)
        pulled = pull(root)
        shown("pull", pulled, PULL_SECONDS)
    return int(listed > LIST_SECONDS or pulled > PULL_SECONDS)


def pull(root: Path) -> float:
    """Seconds for the pull of a release of five change-sets that qa lacks."""
    names = ",".join(f"c{number:03}" for number in range(CHANGES - 25, CHANGES - 20))
    seconds(root, "release", "create", "7.2", "--changes", names)
    publish(root)
    return seconds(root, "pull", "7.2", "-e", "qa", "--yes")


def publish(root: Path) -> None:
    """As `trellis publish` does, without hosts to look at."""
    from datetime import UTC, datetime

    from trellis.environments.keeping import KeptFile
    from trellis.environments.project import find_project
    from trellis.promotion import publishing
    from trellis.revisions.repository import opened

    project = find_project(root)
    with opened(root) as repository:
        publisher = publishing.Publisher(project, "shop", "dev", KeptFile(project, "dev"))
        publishing.publish(repository, publisher, "7.2", "no hosts: a benchmark", datetime.now(UTC))


def seconds(root: Path, *arguments: str) -> float:
    """How long a command takes, as a whole process."""
    program = Path(sys.executable).parent / "trellis"
    start = time.perf_counter()
    ended = subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=60)
    took = time.perf_counter() - start
    if ended.returncode:
        sys.exit(f"trellis {' '.join(arguments)}: {ended.stderr}")
    return took


def shown(what: str, took: float, promised: float) -> None:
    """One line a figure."""
    print(f"{what}: {took:.2f} s, promised {promised:g} s{'' if took <= promised else ': BROKEN'}")


def median(values: list[float]) -> float:
    """The value in the middle."""
    return sorted(values)[len(values) // 2]


def make(root: Path) -> None:
    """The project and its repository."""
    (root / "environments").mkdir(parents=True)
    (root / "stack.py").write_text(STACK)
    (root / "trellis.yaml").write_text("")
    (root / ".gitignore").write_text(".trellis/\n")
    for name, before in zip(ENVIRONMENTS, ("", *ENVIRONMENTS), strict=False):
        (root / "environments" / f"{name}.yaml").write_text(f"pulls_from: {before}\n" if before else "")
    run = ["git", "-C", str(root)]
    subprocess.run([*run, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*run, "add", "-A"], check=True)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*run, *identity, "commit", "-q", "-m", "Start"], check=True)
    subprocess.run([*run, "fast-import", "--quiet"], input="".join(history()), text=True, check=True)
    for name in ENVIRONMENTS:
        subprocess.run([*run, "update-ref", f"refs/trellis/decided/{name}", f"env/{name}"], check=True)


def history() -> Iterator[str]:
    """What ``git fast-import`` reads."""
    mark = 0
    tips: list[int] = []
    for number in range(CHANGES):
        name = f"c{number:03}"
        yield commit(f"refs/heads/change/{name}", mark + 1, f"Change {name}\n\nTrellis-Change: {name}\n", "from main^0")
        yield commit(f"refs/heads/change/{name}", mark + 2, "Set a label\n", "", labels([number]))
        mark += 2
        tips.append(mark)
    for place, environment in enumerate(ENVIRONMENTS):
        count = CHANGES - 20 * (place + 1)
        for number in range(count):
            mark += 1
            start = "from main^0" if number == 0 else ""
            text = f"Apply\n\nTrellis-Contains: c{number:03} 0\n"
            merge = f"{start}\nmerge :{tips[number]}".strip()
            yield commit(f"refs/heads/env/{environment}", mark, text, merge, labels(range(number + 1)))


def labels(numbers: "list[int] | range") -> str:
    """The file of overrides that sets a label for each number."""
    return "".join(f"Website.labels.l{number:03}: v{number}\n" for number in numbers)


def commit(ref: str, mark: int, text: str, parents: str, overrides: str = "") -> str:
    """One commit."""
    file = f"M 100644 inline overrides.yaml\ndata {len(overrides)}\n{overrides}\n" if overrides else ""
    lead = f"{parents}\n" if parents else ""
    head = f"commit {ref}\nmark :{mark}\ncommitter {WHO} {1_700_000_000 + mark} +0000"
    return f"{head}\ndata {len(text)}\n{text}{lead}{file}\n"


if __name__ == "__main__":
    sys.exit(main())
