"""What the operator sees of a run's steps."""

import io

import pytest
from rich.console import Console

from trellis.cli.telling import LiveRegion, PlainLines, elapsed
from trellis.plans import Step, Verb
from trellis.resources import ResourceKey

STEP = Step(ResourceKey("container", "web-1", "here"), Verb.CREATE, "not there yet")
OTHER = Step(ResourceKey("container", "web-2", "here"), Verb.REPLACE, "image 1 → 2")


def shown(region: LiveRegion, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(region.rendered())
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # it is the StringIO


def test_what_is_under_way_stands_in_the_region_with_its_time() -> None:
    now = [100.0]
    region = LiveRegion(3, lambda: now[0])
    written: list[str] = []
    region.write = written.append
    region.started(STEP)
    region.started(OTHER)
    now[0] += 12
    region.doing(STEP, "waiting for /healthz")
    first, second, total = shown(region)
    assert first[4:] == "web-1 on here: waiting for /healthz (12 s)"
    assert second[4:] == "web-2 on here: image 1 → 2 (12 s)"
    assert total == "0 of 3 done, 12 s"
    region.ended(STEP, "done")
    region.ended(OTHER, "failed")
    assert written == ["+ container web-1 on here: done in 12 s", "± container web-2 on here: failed"]
    assert shown(region) == ["2 of 3 done, 12 s"]


def test_a_line_is_never_wider_than_the_terminal_and_steers_it_nowhere() -> None:
    region = LiveRegion(1)
    region.started(STEP)
    region.doing(STEP, "\x1b[2J" + "long " * 40)
    assert [len(line) <= 40 and "\x1b" not in line for line in shown(region, width=40)] == [True, True]


def test_off_a_terminal_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines()
    lines.started(STEP)
    lines.doing(STEP, "waiting for /healthz")
    lines.ended(STEP, "done")
    lines.ended(OTHER, "skipped")
    assert capsys.readouterr().err.splitlines() == [
        "+ container web-1 on here: not there yet",
        "  web-1 on here: waiting for /healthz",
        "± container web-2 on here: skipped",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (12.3, "12 s"), (185, "3 min 5 s")])
def test_a_time_reads_well(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text
