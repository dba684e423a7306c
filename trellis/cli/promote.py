"""`trellis promote`: pull a release from the environment before, and bring the hosts to it."""

from dataclasses import replace
from typing import Any

import click

from trellis.cli.output import confirm, echo, emit_json
from trellis.cli.pull import pulling_options
from trellis.cli.pulling import Pulled, Wanted, pull_release, shown_plan_of


@click.command(epilog="Example: trellis promote 7.2 -e test --yes")
@pulling_options
@click.option("--parallel", type=click.IntRange(1), default=10, show_default=True, help="How many steps at once.")
@click.option(
    "--lock-wait", type=click.FloatRange(0), default=0, show_default=True, help="Seconds to wait for the lock."
)
def promote(project: Any, wanted: Wanted, parallel: int, lock_wait: float) -> None:
    """Pull the release VERSION, and after one yes bring the environment's hosts to it.

    Where it was pulled already, what is left to do on the hosts is done.
    """
    from trellis.cli.applying import apply_shown
    from trellis.cli.rendering import done_line
    from trellis.cli.up import up

    version, name = wanted.version, wanted.environment
    pulled = pull_release(project, wanted, f"Pull release {version} into {name}, and apply this plan?")
    if wanted.as_json:
        _as_json(project, wanted, pulled, parallel, lock_wait)
    elif pulled.plan is None:
        left = {"environment": name, "yes": wanted.yes, "no_input": wanted.no_input}
        click.get_current_context().invoke(up, **left, parallel=parallel, lock_wait=lock_wait)
    elif pulled.plan.changes:
        apply_shown(project, name, pulled.plan, parallel, lock_wait)
        echo(done_line(pulled.plan))


def _as_json(project: Any, wanted: Wanted, pulled: Pulled, parallel: int, lock_wait: float) -> None:
    """As without it, and one document at the end, also where what was left to do was done."""
    from trellis.cli.applying import apply_shown, remember_unchanged
    from trellis.promotion.gate import AS_DECIDED

    name = wanted.environment
    plan = pulled.plan
    if plan is None:
        plan = shown_plan_of(project, name, None, {}, quiet=True)
        if plan.changes:
            confirm(f"Apply this plan to {name}?", yes=wanted.yes, no_input=wanted.no_input)
    if plan.changes:
        apply_shown(project, name, plan, parallel, lock_wait)
    else:
        remember_unchanged(project, name, AS_DECIDED, plan.bound_to["blueprint"])
    emit_json({**replace(pulled, plan=plan).document(), "applied": True})
