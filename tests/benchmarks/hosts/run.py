"""Times the same work on the same hosts: Trellis, pyinfra and Ansible in turn, in one run, as ratios.

    python tests/benchmarks/hosts/run.py                 1, 3 and 10 lab hosts, 7 rounds
    python tests/benchmarks/hosts/run.py --hosts 1,3     others

Times are whole processes. A first run puts three files and a container on every host, which is swept before each of
them; later runs find nothing to do. Each round runs everybody in turn, so that what else the machine does meets all.
Ratios are medians of the rounds' own ratios.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contenders import OTHERS, OURS, Contender, contenders, make_folder, variables  # the folder is not a package

from trellis_lab import Lab

IMAGE = "trellis-test/echo:1"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="1,3,10", help="how many hosts, with commas")
    parser.add_argument("--rounds", type=int, default=7, help="how often each no-change run is timed")
    parser.add_argument("--first-rounds", type=int, default=3, help="how often each first run is timed")
    parser.add_argument("--only", default="", help="contenders, with commas")
    chosen = parser.parse_args()
    chosen_names = [name for name in chosen.only.split(",") if name]
    counts = sorted(int(count) for count in chosen.hosts.split(","))
    install_others()
    install_trellis()
    subprocess.run(["scripts/images", IMAGE], check=True)
    taking_part = [one for one in contenders() if not chosen_names or one.name in chosen_names]
    results = {count: compare(taking_part, count, chosen.rounds, chosen.first_rounds) for count in counts}
    Path(".trellis-bench/hosts.json").write_text(json.dumps(results, indent=2) + "\n")
    show(results)


def install_others() -> None:
    """pyinfra and ansible-core, once."""
    if (OTHERS / "pyinfra").exists() and (OTHERS / "ansible-playbook").exists():
        return
    print("installing pyinfra and ansible-core into .trellis-bench/venv", file=sys.stderr)
    venv.create(OTHERS.parent, with_pip=True)
    subprocess.run([OTHERS / "pip", "install", "--quiet", "pyinfra", "ansible-core"], check=True)


def install_trellis() -> None:
    """This tree's Trellis, as a wheel."""
    if not OURS.exists():
        print("installing Trellis into .trellis-bench/trellis", file=sys.stderr)
        venv.create(OURS.parent, with_pip=True)
        subprocess.run([OURS / "pip", "install", "--quiet", "."], check=True)
    again = ["--no-deps", "--force-reinstall"]
    subprocess.run([OURS / "pip", "install", "--quiet", *again, "."], check=True)


def host_image() -> str:
    """The lab's image with the Python that Ansible needs on its hosts."""
    from trellis_lab.client import LabEngine
    from trellis_lab.lab import ensure_image

    engine = LabEngine()
    try:
        base = ensure_image(engine, bare=False, report=lambda line: print(line, file=sys.stderr))
    finally:
        engine.close()
    tag = base.replace("trellis-lab-host", "trellis-lab-bench")
    recipe = f"FROM {base}\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3\n"
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", tag, "-"], input=recipe.encode(), check=True, stdout=subprocess.DEVNULL
    )
    return tag


Seconds = dict[str, list[float]]
"""Of each contender, one a round."""


def compare(taking_part: list[Contender], count: int, rounds: int, first_rounds: int) -> dict[str, Seconds]:
    """Seconds of the first and of the no-change runs."""
    with (
        Lab.up(count, name="lb-bench", temporary=True, image=host_image()) as lab,
        tempfile.TemporaryDirectory() as root,
    ):
        lab.load(IMAGE)
        folders = {one.name: make_folder(one, Path(root), lab, count) for one in taking_part}
        first: Seconds = {one.name: [] for one in taking_part}
        for _ in range(first_rounds):
            for one in taking_part:
                sweep(lab, folders[one.name])
                first[one.name].append(timed(one, folders[one.name]))
        for one in taking_part:  # what the others' sweeps took away
            timed(one, folders[one.name])
        again: Seconds = {one.name: [] for one in taking_part}
        for _ in range(rounds):
            for one in taking_part:
                again[one.name].append(timed(one, folders[one.name]))
        return {"first": first, "no_change": again}


def sweep(lab: Lab, folder: Path) -> None:
    """Hosts and a folder as they were before any run."""
    script = "docker ps -aq | xargs -r docker rm -f; docker network prune -f; rm -rf /etc/bench-* /var/lib/trellis"
    for host in lab.hosts:
        lab.execute(host.name, "sh", "-c", script)
    shutil.rmtree(folder / ".trellis", ignore_errors=True)


def timed(contender: Contender, folder: Path) -> float:
    """Seconds of one whole process; what it says is shown when it fails."""
    started = time.perf_counter()
    ended = subprocess.run(
        contender.argv,
        cwd=folder,
        env=variables(contender),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    seconds = time.perf_counter() - started
    if ended.returncode:
        sys.exit(f"{contender.name} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return seconds


def show(results: dict[int, dict[str, Seconds]]) -> None:
    """The figures, and what they are of the others'."""
    print("| hosts | program | first run | Trellis takes | no change | Trellis takes |")
    print("|---|---|---|---|---|---|")
    for count, kinds in results.items():
        for name in kinds["first"]:
            cells = [f"{count}", name]
            for kind in ("first", "no_change"):
                cells += [f"{statistics.median(kinds[kind][name]):.2f} s", share(kinds[kind], name)]
            print(f"| {' | '.join(cells)} |")
    few, many = min(results), max(results)
    if few != many and "trellis" in results[few]["no_change"]:
        times = [statistics.median(results[count]["no_change"]["trellis"]) for count in (few, many)]
        print(f"\nno change on {many} hosts takes {times[1] / times[0]:.2f} of the time on {few}")


def share(seconds: Seconds, other: str) -> str:
    """The median of the rounds' ratios."""
    if other == "trellis" or "trellis" not in seconds:
        return ""
    ratios = [ours / theirs for ours, theirs in zip(seconds["trellis"], seconds[other], strict=True)]
    return f"{statistics.median(ratios):.2f} of it"


if __name__ == "__main__":
    main()
