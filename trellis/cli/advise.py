"""`trellis advise`: which spare hosts could get a role, and which hosts could be given back; never acted on."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json
from trellis.cli.placing import placed_entry, shortfall_entry
from trellis.environments.project import Project, find_project
from trellis.errors import DoesNotFitError

if TYPE_CHECKING:
    from trellis.placing.advising import Advice
    from trellis.placing.model import Placement, Problem


@click.command(epilog="Examples: trellis advise -e prod | trellis advise --proof | trellis advise --json")
@environment_option
@click.option("--proof", is_flag=True, help="Also show where everything would run.")
@json_option
@project_option
def advise(environment: str | None, directory: Path, *, proof: bool, as_json: bool) -> None:
    """Say which spare hosts could get a role so that everything fits, or which hosts could be given back.

    Nothing is changed. For hosts that could be given back, it is tried whether everything would still fit if any
    one more host were lost.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    problem, advice = asyncio.run(_advice(project, name))
    if as_json:
        emit_json(_document(name, advice))
    else:
        for line in _lines(name, problem, advice, proof=proof):
            echo(line)
    if advice.shortfalls:
        missing = sum(short.missing for short in advice.shortfalls)
        raise DoesNotFitError(f"{missing} {'instance does' if missing == 1 else 'instances do'} not fit as it is")


async def _advice(project: Project, name: str) -> "tuple[Problem, Advice]":
    from trellis.pipeline import bind, observing
    from trellis.placing.advising import advise as work_out

    async with observing(bind(project, name)) as seen:
        return seen.problem, work_out(seen.problem)


def _lines(name: str, problem: "Problem", advice: "Advice", *, proof: bool) -> Iterator[str]:
    from trellis.placing.advising import role_sentence
    from trellis.placing.model import Placement
    from trellis.placing.report import shortfall_lines

    yield from shortfall_lines(Placement((), advice.shortfalls))
    for give in advice.give_roles:
        yield role_sentence(give, name)
        yield from _proof_lines(problem, give.placement, proof=proof)
    if advice.shortfalls and not advice.give_roles:
        yield "no spare host would help" if advice.spare else "there is no spare host"
    yield from advice.notes
    if advice.give_back:
        hosts = advice.give_back.hosts
        yield from _proof_lines(problem, advice.give_back.placement, proof=proof)
        for host in hosts:
            yield f"to give {host} back: trellis host drain {host} -e {name}, trellis up, trellis host retire {host}"
    elif advice.spare:
        yield f"nothing runs on {', '.join(advice.spare)}"


def _proof_lines(problem: "Problem", placement: "Placement", *, proof: bool) -> Iterator[str]:
    """Where everything would run, when that was asked for."""
    if not proof:
        return
    homes = {(run.service, run.index): run.host for run in problem.running}
    for placed in placement.instances:
        home = homes.get((placed.service, placed.index), "")
        came = "new" if not home else f"from {home}" if home != placed.host else "as now"
        yield f"  {placed.service}-{placed.index} on {placed.host} ({came})"


def _document(name: str, advice: "Advice") -> Mapping[str, Any]:
    back = advice.give_back
    return {
        "environment": name,
        "spare": list(advice.spare),
        "shortfalls": [shortfall_entry(short) for short in advice.shortfalls],
        "give_roles": [
            {
                "role": give.role,
                "hosts": list(give.hosts),
                "missing": give.missing,
                "placement": [placed_entry(placed) for placed in give.placement.instances],
            }
            for give in advice.give_roles
        ],
        "give_back": back
        and {
            "hosts": list(back.hosts),
            "moves": back.moves,
            "one_more_lost": back.one_more_lost,
            "weakest": back.weakest,
            "placement": [placed_entry(placed) for placed in back.placement.instances],
        },
        "notes": list(advice.notes),
    }
