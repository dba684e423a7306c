"""Applies a plan that was shown: locked, planned again under the lock, and refused when it has moved."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trellis.cli.rendering import plan_document
from trellis.environments.project import Project
from trellis.errors import ConfigError, PolicyError
from trellis.plans import Limit, Plan

if TYPE_CHECKING:
    from trellis.cli.running import Recording
    from trellis.desiring.problem import Asking
    from trellis.promotion.gate import Choice
    from trellis.revisions.programs import Program


def apply_shown(
    project: Project, name: str, shown: Plan, parallel: int, lock_wait: float, choice: "Choice | None" = None
) -> None:
    """Take the environment's lock and do what the plan says, if it would still be planned.

    Raises:
        PolicyError: something has moved since it was shown.
        LockedError: somebody else holds the lock.
    """
    from trellis.cli.running import command_line, locked

    with locked(project.state_url, name, command_line(), lock_wait) as recording:
        asyncio.run(_apply_shown(project, name, shown, recording, parallel, choice))


async def _apply_shown(
    project: Project, name: str, shown: Plan, recording: "Recording", parallel: int, choice: "Choice | None"
) -> None:
    """Plan again under the lock, so that what is applied is what was shown, whoever was at work in between."""
    from trellis.cli.running import apply_plan
    from trellis.desiring.problem import Asking
    from trellis.pipeline import bind, planning
    from trellis.promotion.gate import AS_DECIDED

    asking = Asking(frozenset(shown.allow_moves), shown.rebalance, shown.limit)
    program = chosen_program(project, name, choice)
    async with planning(bind(project, name, program=program), asking=asking) as planned:
        refuse_stale(planned.plan, plan_document(shown))
        await apply_plan(planned, recording, parallel, choice or AS_DECIDED)


def chosen_program(project: Project, name: str, choice: "Choice | None") -> "Program | None":
    """The working tree when the operator chose it and the chain allows that; None leaves it to the environment."""
    if choice is None or not choice.working_tree:
        return None
    from trellis.environments.loading import load_environment
    from trellis.promotion.gate import allowed
    from trellis.revisions.programs import program_of

    environment = load_environment(project, name)
    program = program_of(project, environment, working_tree=True)
    allowed(project, environment, program, choice)
    return program


def remember_unchanged(project: Project, name: str, choice: "Choice", digest: str) -> None:
    """Record that an environment is at its branch's newest revision, where nothing had to be done for that."""
    from trellis.environments.loading import load_environment
    from trellis.promotion.gate import allowed
    from trellis.revisions.programs import program_of

    environment = load_environment(project, name)
    program = program_of(project, environment, working_tree=choice.working_tree)
    if not program.branch:
        return
    from trellis.revisions.applied import content_of, remember, remembers

    if remembers(project, name, program):
        return
    from trellis.cli.running import command_line, locked  # brings the database in

    allowed(project, environment, program, choice)
    with locked(project.state_url, name, command_line(), 0):
        remember(project, name, program, content_of(project, program), 0, digest)


def asked_in(saved: dict[str, Any]) -> "Asking":
    """What the operator asked of the placement when the plan was saved."""
    from trellis.desiring.problem import Asking

    asked = saved.get("asking") or {}
    limit = Limit(tuple(asked.get("hosts", ())), tuple(asked.get("roles", ())))
    return Asking(frozenset(asked.get("allow_moves", ())), bool(asked.get("rebalance")), limit)


def read_plan(file: Path) -> dict[str, Any]:
    """A saved plan.

    Raises:
        ConfigError: the file is not one.
    """
    try:
        document = json.loads(file.read_text())
    except ValueError as error:
        raise ConfigError(
            "this is not a saved plan", where=str(file), hint="make one: trellis plan --out FILE"
        ) from error
    if not isinstance(document, dict) or not {"environment", "bound_to", "steps"} <= document.keys():
        raise ConfigError("this is not a saved plan", where=str(file), hint="make one: trellis plan --out FILE")
    return document


def refuse_stale(plan: Plan, saved: dict[str, Any]) -> None:
    """Make sure that what is applied is what was shown.

    Raises:
        PolicyError: something has moved since.
    """
    then = saved["bound_to"]
    moved = [name for name, now in plan.bound_to.items() if not isinstance(then, dict) or then.get(name) != now]
    if moved or plan_document(plan)["steps"] != saved["steps"]:
        what = ", ".join(moved) or "steps"
        raise PolicyError(
            f"the plan is stale: {what} changed since it was made", hint="look at the new plan, and run it again"
        )
