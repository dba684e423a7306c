"""Times the same work on the same hosts: Trellis, pyinfra and Ansible in turn, in one run, as ratios.

    python tests/benchmarks/hosts/run.py                 3 and 10 lab hosts, 5 rounds
    python tests/benchmarks/hosts/run.py --hosts 1,3     others

Times are whole processes. The first run puts three files and a container on every host; later ones find nothing to
do.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contenders import OTHERS, Contender, contenders, make_folder, variables  # the folder is not a package

from trellis_lab import Lab

IMAGE = "trellis-test/echo:1"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="1,3,10", help="how many hosts, with commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often each no-change run is timed")
    parser.add_argument("--only", default="", help="contenders, with commas")
    chosen = parser.parse_args()
    chosen_names = [name for name in chosen.only.split(",") if name]
    counts = sorted(int(count) for count in chosen.hosts.split(","))
    install_others()
    subprocess.run(["scripts/images", IMAGE], check=True)
    taking_part = [one for one in contenders() if not chosen_names or one.name in chosen_names]
    results = {count: compare(taking_part, count, chosen.rounds) for count in counts}
    Path(".trellis-bench/hosts.json").write_text(json.dumps(results, indent=2) + "\n")
    show(results)


def install_others() -> None:
    """pyinfra and ansible-core, once."""
    if (OTHERS / "pyinfra").exists() and (OTHERS / "ansible-playbook").exists():
        return
    print("installing pyinfra and ansible-core into .trellis-bench/venv", file=sys.stderr)
    venv.create(OTHERS.parent, with_pip=True)
    subprocess.run([OTHERS / "pip", "install", "--quiet", "pyinfra", "ansible-core"], check=True)


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


def compare(taking_part: list[Contender], count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of the first run and the median of the no-change runs, by contender."""
    with (
        Lab.up(count, name="lb-bench", temporary=True, image=host_image()) as lab,
        tempfile.TemporaryDirectory() as root,
    ):
        lab.load(IMAGE)
        folders = {one.name: make_folder(one, Path(root), lab, count) for one in taking_part}
        first = {one.name: timed(one, folders[one.name]) for one in taking_part}
        again: dict[str, list[float]] = {one.name: [] for one in taking_part}
        for _ in range(rounds):
            for one in taking_part:  # in turn, so that what else the machine does meets all of them
                again[one.name].append(timed(one, folders[one.name]))
        return {name: {"first": first[name], "no_change": statistics.median(again[name])} for name in first}


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


def show(results: dict[int, dict[str, dict[str, float]]]) -> None:
    """The figures, and what they are of the others'."""
    for count, figures in results.items():
        own = figures.get("trellis")
        for name, seconds in figures.items():
            line = (
                f"{count:3} hosts  {name:8} first {seconds['first']:6.2f} s   no change {seconds['no_change']:6.2f} s"
            )
            if own and name != "trellis":
                shares = [own[kind] / seconds[kind] for kind in ("first", "no_change")]
                line += f"   trellis takes {shares[0]:.2f} and {shares[1]:.2f} of it"
            print(line)
    few, many = min(results), max(results)
    if "trellis" in results[few] and few != many:
        growth = results[many]["trellis"]["no_change"] / results[few]["trellis"]["no_change"]
        print(f"no change on {many} hosts takes {growth:.2f} of the time on {few}")


if __name__ == "__main__":
    main()
