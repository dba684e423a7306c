"""`trellis promote`: pull a release from the environment before, and bring the hosts to it."""

from typing import Any

import click

from trellis.cli.output import echo
from trellis.cli.pull import pulling_options
from trellis.cli.pulling import Wanted, pull_release


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
    from trellis.cli.rendering import done_lines
    from trellis.cli.up import up

    version, name = wanted.version, wanted.environment
    plan = pull_release(project, wanted, f"Pull release {version} into {name}, and apply this plan?")
    if plan is None:
        left = {"environment": name, "yes": wanted.yes, "no_input": wanted.no_input}
        click.get_current_context().invoke(up, **left, parallel=parallel, lock_wait=lock_wait)
    elif plan.changes:
        apply_shown(project, name, plan, parallel, lock_wait)
        for line in done_lines(plan):
            echo(line)
