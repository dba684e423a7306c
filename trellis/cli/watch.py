"""`trellis watch`: look at an environment again and again; report what changed, or bring it back."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo
from trellis.environments.project import Project, find_project
from trellis.errors import TrellisError
from trellis.watching import Look, Maintain, Watched, judge, look_of

if TYPE_CHECKING:
    from trellis.pipeline import Planned
    from trellis.plans import Plan


@click.command(epilog="Examples: trellis watch -e prod | trellis watch --interval 300 --grace 900")
@environment_option
@json_option
@click.option(
    "--interval", type=click.FloatRange(1), default=60, show_default=True, help="Seconds from one look to the next."
)
@click.option(
    "--grace", type=click.FloatRange(0), default=300, show_default=True, help="Seconds that changes have to last."
)
@click.option("--looks", type=click.IntRange(1), help="Stop after so many looks; by default it goes on.")
@project_option
def watch(
    environment: str | None, interval: float, grace: float, looks: int | None, directory: Path, *, as_json: bool
) -> None:
    """Look again and again, and tell what is new: changes, drift, hosts lost and back, certificates that end soon.

    Nothing is written unless the environment's file says `maintain: always`. Then changes that stayed the same for the
    grace period are applied, as `trellis up` would, but never while a host does not answer. It rebalances only where
    the file says `placement: {minimum_gain: PERCENT}` too, and only for that much. With --json it prints one line a
    look.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    watched = Watched()
    left = looks
    while left is None or left > 0:
        watched = _look_once(project, name, watched, grace=grace, as_json=as_json)
        left = None if left is None else left - 1
        if left != 0:
            time.sleep(interval)


def _look_once(project: Project, name: str, watched: Watched, *, grace: float, as_json: bool) -> Watched:
    plan, look = _looked(project, name)
    verdict = judge(watched, look, time.monotonic(), maintain=_maintain(project, name), grace=grace)
    _tell(verdict.sentences, look, as_json=as_json)
    if verdict.apply and plan is not None:
        _act(project, name, plan, lambda sentence: _tell((sentence,), look, as_json=as_json))
        return Watched(last=look)
    return verdict.watched


def _looked(project: Project, name: str) -> "tuple[Plan | None, Look]":
    """The plan, and what it says; the stack and the environment are read anew each time."""
    try:
        planned = asyncio.run(_planned(project, name))
    except TrellisError as error:
        return None, Look(problem=str(error))
    return planned.plan, look_of(planned.plan, _expiring(planned))


async def _planned(project: Project, name: str) -> "Planned":
    """The plan; with a rebalancing where the environment says how much one has to gain, and it does."""
    from trellis.desiring.problem import Asking
    from trellis.evening import evened
    from trellis.pipeline import bind, observing, planned_from

    bound = bind(project, name)
    minimum = bound.environment.minimum_gain
    async with observing(bound, Asking(rebalance=minimum is not None)) as seen:
        return planned_from(bound, seen) if minimum is None else evened(bound, seen, minimum)[0]


def _expiring(planned: "Planned") -> tuple[str, ...]:
    from trellis.cli.expiring import certificate_entries, certificate_lines

    actuals = (actual for host in planned.observed.values() for actual in host.actuals)
    lines = certificate_lines(certificate_entries(actuals, datetime.now(UTC)))
    return tuple(line.removeprefix("! ") for line in lines if line.startswith("! "))


def _maintain(project: Project, name: str) -> Maintain:
    from trellis.environments.loading import load_environment

    try:
        return load_environment(project, name).maintain
    except TrellisError:
        return "triggered"  # a file that cannot be read allows nothing


def _act(project: Project, name: str, plan: "Plan", tell: Callable[[str], None]) -> None:
    from trellis.cli.applying import apply_shown

    try:
        apply_shown(project, name, plan, parallel=10, lock_wait=0)
    except TrellisError as error:
        tell(f"not applied: {error}")
    else:
        tell("applied")


def _tell(sentences: tuple[str, ...], look: Look, *, as_json: bool) -> None:
    import json

    now = datetime.now(UTC).isoformat(timespec="seconds")
    if as_json:
        document = {
            "schema_version": 1, "at": now, "news": list(sentences), "pending": list(look.changes),
            "lost": sorted(look.lost), "problem": look.problem, "expiring": list(look.expiring),
        }  # fmt: skip
        echo(json.dumps(document, ensure_ascii=False))
        return
    for sentence in sentences:
        echo(f"{now} {sentence}")
