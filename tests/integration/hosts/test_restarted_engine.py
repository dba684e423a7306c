"""What runs answers again after a restart of its host's Docker Engine, with Trellis not running."""

import time
from collections.abc import Callable

from workplace import Workplace

from trellis_lab import Lab

PROGRAM = """
from trellis import *

stack = Stack("NAME")

@stack.service(image="trellis-test/echo:1")
class Echo(Service):
    http = listens(8080, health="/healthz", host_port=18080)

@stack.role
class Web(Role):
    echo = runs(Echo, one_per_host)
"""
ASK = "exec 3<>/dev/tcp/{address}/18080; printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"


def test_the_site_answers_again(
    lab: Lab, built_images: Callable[..., None], workplace: Callable[..., Workplace]
) -> None:
    built_images("trellis-test/echo:1")
    lab.load("trellis-test/echo:1")
    made = workplace(lab, "restarted", PROGRAM)
    made.environment({"h1": ["web"]})
    made.trellis("up", "--yes")
    try:
        ask = ASK.format(address=lab.host("h1").address)
        assert "ok" in made.on("h1", "bash", "-c", ask)
        lab.reboot("h1")  # dockerd is the first process of a lab host: it is told to end, and started again
        deadline = time.monotonic() + 60
        while True:
            status, answer = lab.execute("h1", "bash", "-c", ask)
            if status == 0 and "ok" in answer:
                break
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)
        assert "No changes" in made.trellis("up", "--yes").out
    finally:
        made.trellis("destroy", "--yes")
