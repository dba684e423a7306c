"""What `rollback` does for an environment that runs a branch: a commit on it that goes back, then the hosts."""

from collections.abc import Sequence

from trellis.cli.output import confirm, echo, progress
from trellis.environments.project import Project


def return_branch(
    project: Project,
    name: str,
    accepted: Sequence[str],
    *,
    yes: bool,
    no_input: bool,
    parallel: int,
    lock_wait: float,
) -> None:
    """Show what going back changes, and after a yes move the branch and bring the hosts to it.

    Raises:
        PolicyError: there is nothing to go back to, or something needs care and was not accepted.
    """
    from trellis.cli.applying import apply_shown
    from trellis.cli.events import recorded
    from trellis.cli.pulling import shown_plan_of
    from trellis.cli.rendering import done_lines
    from trellis.cli.withdrawing import withdraw_what_holds
    from trellis.promotion.returning import returning

    with returning(project, name, accepted) as prepared:
        for line in prepared.lines():
            echo(line)
        plan = shown_plan_of(project, name, prepared.proposal.program, {})
        confirm(f"Take {name} back, and apply this plan?", yes=yes, no_input=no_input)
        with recorded(project, name, prepared.blueprint.stack, prepared.summary):
            prepared.write()
        reverts = prepared.proposal.reverts
    progress(f"{name} {prepared.summary}")
    withdraw_what_holds(project, name, reverts, prepared.blueprint.stack)
    if plan.changes:
        apply_shown(project, name, plan, parallel, lock_wait)
        for line in done_lines(plan):
            echo(line)
