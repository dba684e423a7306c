"""Rate, p99 and processor time of requests through Trellis's HAProxy and the same one configured by hand."""

import re
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import by_hand
from workplace import Workplace

from trellis_lab import Lab

IMAGE = "trellis-bench/wrk"
_RECIPE = """\
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk && rm -rf /var/lib/apt/lists/*
"""
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_BY_HAND = "bench-by-hand"
_EDGE = "h1"
PLAIN, SECURE = "plain.bench.test", "secure.bench.test"

# Of a container's processes: ticks of the processor that they have used.
_USED = """
set -eu
main=$(docker inspect --format '{{.State.Pid}}' "$1")
sum=0
for process in $main $(pgrep -P "$main"); do
    stat=$(cat /proc/$process/stat)
    set -- ${stat##*) }
    sum=$((sum + ${12} + ${13}))
done
echo $sum
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of wrk.

    Attributes:
        rate: requests a second.
        p99: milliseconds.
        ticks: of the processor that the proxy used for a thousand requests.
        bad: answers that were no 200, and connections that failed.
    """

    rate: float
    p99: float
    ticks: float
    bad: int


Rounds = Mapping[str, Mapping[str, list[Measured]]]
"""Kind of traffic to whose proxy to its runs, one a round."""


def build_wrk() -> None:
    """An image with Debian's wrk."""
    command = ["docker", "build", "--quiet", "--tag", IMAGE, "-"]
    subprocess.run(command, input=_RECIPE.encode(), check=True, stdout=subprocess.DEVNULL)


def measure(place: Workplace, rounds: int, seconds: int) -> Rounds:
    """Both in turn, in each round the other one first."""
    kinds = {"HTTP": (PLAIN, "http", 80, by_hand.HTTP), "HTTPS": (SECURE, "https", 443, by_hand.HTTPS)}
    whose = {"trellis": f"{place.stack}-dev-haproxy-1", "by hand": _BY_HAND}
    found: dict[str, dict[str, list[Measured]]] = {kind: {name: [] for name in whose} for kind in kinds}
    start_by_hand(place)
    for number in range(rounds):
        for kind, (domain, scheme, ours, theirs) in kinds.items():
            turn = [("trellis", ours), ("by hand", theirs)]
            for name, port in turn if number % 2 else reversed(turn):
                found[kind][name].append(_one(place, whose[name], f"{scheme}://{domain}:{port}/", domain, seconds))
    return found


def start_by_hand(place: Workplace) -> None:
    """The same HAProxy on the same host, configured by hand, with the same certificate and the same instances."""
    proxy = f"/var/lib/trellis/{place.stack}/dev/haproxy-1/etc"
    text = place.on(_EDGE, "cat", f"{proxy}/haproxy.cfg")
    servers = sorted(set(re.findall(r"server fast-\d+:\S+ (\S+)", text)))
    put = 'mkdir -p /srv/by-hand && printf "%s" "$1" >/srv/by-hand/haproxy.cfg'
    place.on(_EDGE, "sh", "-c", put, "put", by_hand.config(PLAIN, SECURE, servers))
    certificate = f"{proxy}/certs/{SECURE}.pem:{by_hand.CERTIFICATE}:ro"
    mounts = ("-v", "/srv/by-hand:/etc/haproxy:ro", "-v", certificate)
    place.on(_EDGE, "docker", "run", "-d", "--network", "host", "--name", _BY_HAND, *mounts, "shop/haproxy:2.6")


def _one(place: Workplace, container: str, url: str, domain: str, seconds: int) -> Measured:
    used = int(place.on(_EDGE, "bash", "-c", _USED, "used", container))
    said = wrk(place.lab, url, domain, seconds)
    used = int(place.on(_EDGE, "bash", "-c", _USED, "used", container)) - used
    return parsed(said, used)


def wrk(lab: Lab, url: str, domain: str, seconds: int) -> str:
    """What wrk prints; 32 connections are kept."""
    address = lab.host(_EDGE).address
    command = ["docker", "run", "--rm", "--network", "host", "--add-host", f"{domain}:{address}", IMAGE, "wrk"]
    told = ["--threads", "1", "--connections", "32", "--duration", f"{seconds}s", "--latency", "-H", f"Host: {domain}"]
    return subprocess.run([*command, *told, url], capture_output=True, text=True, check=True).stdout


def parsed(said: str, ticks: int) -> Measured:
    """wrk's figures; its errors are those of sockets and of statuses."""
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    count = int(re.findall(r"(\d+) requests in", said)[0])
    value, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", said)[0]
    sockets = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said)))
    statuses = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said)))
    return Measured(rate, float(value) * _MILLISECONDS[unit], 1000 * ticks / count, sockets + statuses)


def ratios(rounds: Rounds, kind: str) -> dict[str, float]:
    """Trellis's to by hand: medians of the rounds' own ratios."""
    pairs = list(zip(rounds[kind]["trellis"], rounds[kind]["by hand"], strict=True))
    return {
        name: statistics.median(getattr(ours, name) / getattr(theirs, name) for ours, theirs in pairs)
        for name in ("rate", "p99", "ticks")
    }


def document(rounds: Rounds) -> dict[str, object]:
    """For JSON."""
    return {kind: {name: [asdict(one) for one in runs] for name, runs in of.items()} for kind, of in rounds.items()}
