"""Measures what Trellis's HAProxy costs and what visitors notice of changes, on three lab hosts.

    python tests/benchmarks/balancing/run.py                  all of it, some six minutes
    python tests/benchmarks/balancing/run.py --rounds 60      more rounds of wrk

wrk asks Trellis's HAProxy and the same HAProxy, image and host configured by hand in turn, for one page of the same
instances; ratios are medians of the rounds' own ratios. A load of kept and new connections, bodies, slow answers and
websockets then runs through both proxies while a site is updated, moved, added and its certificate renewed.
Ends with 1 when a goal is missed.
"""

import argparse
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import uuid
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# Folders that are no packages: this one, and the drivers that the integration tests use.
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "integration" / "drivers")]

from operating import EDGES, Operated, is_served, operate, seconds_to_answer  # noqa: E402 - found by the path above
from throughput import Rounds, build_wrk, document, measure, ratios  # noqa: E402 - likewise
from workplace import Workplace, until  # noqa: E402 - likewise

from trellis_lab import Lab  # noqa: E402 - likewise

IMAGES = ("shop/haproxy:2.6", "trellis-test/web:1", "trellis-test/web:2")
ROLES = {"h1": ["edge"], "h2": ["edge", "web", "visited"], "h3": ["web", "visited"]}
RATIO = 0.98
ADDED = 3


def main() -> int:
    """Run it; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="pairs of runs of wrk, of HTTP and of HTTPS")
    parser.add_argument("--seconds", type=int, default=1, help="how long each takes")
    chosen = parser.parse_args()
    subprocess.run(["scripts/base-image"], check=True, cwd=ROOT)
    subprocess.run(["scripts/images", *IMAGES], check=True, cwd=ROOT)
    build_wrk()
    with (
        Lab.up(3, name=f"lb-{uuid.uuid4().hex[:8]}", temporary=True) as lab,
        tempfile.TemporaryDirectory(prefix="bench-balancing-") as folder,
    ):
        lab.load(*IMAGES)
        place = project(lab, Path(folder))
        trusting = ssl.create_default_context(cadata=place.trellis("cert", "ca").out)
        for host in EDGES:
            for domain in ("site.bench.test", "secure.bench.test"):
                until(partial(is_served, place, host, domain, trusting), what=domain)
        rounds = measure(place, chosen.rounds, chosen.seconds)
        show_throughput(rounds)
        operated = operate(place, trusting)
        answered = [seconds_to_answer(place, f"later{number}", trusting) for number in range(ADDED)]
    show_operations(operated, answered)
    kept = {"throughput": document(rounds), "operations": [asdict(one) for one in operated], "answered": answered}
    (ROOT / ".trellis-bench").mkdir(exist_ok=True)
    (ROOT / ".trellis-bench" / "balancing.json").write_text(json.dumps(kept, indent=2) + "\n")
    return int(any(one.failed for one in operated) or any(ratios(rounds, kind)["rate"] < RATIO for kind in rounds))


def project(lab: Lab, folder: Path) -> Workplace:
    """The stack on the lab's hosts, up."""
    root = folder / "stack"
    (root / "environments").mkdir(parents=True)
    name = f"bench-{uuid.uuid4().hex[:6]}"
    (root / "stack.py").write_text((HERE / "work" / "stack.py").read_text().replace("NAME", name))
    shutil.copy(HERE / "work" / "answers.cfg", root)
    (root / "trellis.yaml").write_text("stack: stack.py\ndefault_environment: dev\n")
    place = Workplace(root, lab, name)
    place.environment(ROLES)
    place.trellis("up", "--yes")
    return place


def show_throughput(rounds: Rounds) -> None:
    """The figures, and the ratios to by hand."""
    print("| traffic | proxy | requests a second | p99 | bad answers | ratio of rates | of p99 | of processor time |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, runs in rounds.items():
        found = ratios(rounds, kind)
        for name, ones in runs.items():
            cells = [kind, name, f"{median(one.rate for one in ones):.0f}", f"{median(one.p99 for one in ones):.2f} ms"]
            cells.append(str(sum(one.bad for one in ones)))
            cells += [f"{found[key]:.3f}" if name == "trellis" else "" for key in ("rate", "p99", "ticks")]
            print(f"| {' | '.join(cells)} |")
        if found["rate"] < RATIO:
            print(f"\n{kind}: {found['rate']:.3f} of the rate by hand, promised {RATIO}: MISSED\n")


def show_operations(operated: list[Operated], answered: list[float]) -> None:
    """What visitors noticed."""
    print("\n| operation | takes | requests answered | failed | websockets closed |")
    print("|---|---|---|---|---|")
    for one in operated:
        print(f"| {one.name} | {one.seconds:.1f} s | {one.requests} | {len(one.failed)} | {one.closed} |")
        for sentence in one.failed[:5]:
            print(f"  failed: {sentence}", file=sys.stderr)
    print(f"\nfrom `trellis up` to the first answer of an added site at both proxies: {median(answered):.1f} s")


if __name__ == "__main__":
    sys.exit(main())
