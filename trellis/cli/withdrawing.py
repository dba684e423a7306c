"""Takes publications back when the environment that made them takes back what they hold."""

from collections.abc import Iterable
from datetime import UTC, datetime

from trellis.cli.output import progress
from trellis.environments.project import Project


def withdraw_what_holds(project: Project, name: str, changes: Iterable[str], stack: str) -> None:
    """Withdraw every release that an environment has published and that holds one of these change-sets."""
    from trellis.cli.events import recorded
    from trellis.environments.keeping import KeptFile
    from trellis.promotion import publishing
    from trellis.revisions.repository import opened

    publisher = publishing.Publisher(project, stack, name, KeptFile(project, name))
    for change in changes:
        reason = f"{name} took {change} back"
        with opened(project.root) as repository:
            for version in publishing.published_with(repository, name, change):
                with recorded(project, name, stack, f"withdrew {version}", reason):
                    publishing.withdraw(repository, publisher, version, reason, datetime.now(UTC))
                progress(f"{name} withdrew {version}: {reason}")
