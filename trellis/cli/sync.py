"""`trellis sync`: main here becomes what it is in another repository."""

from pathlib import Path

import click

from trellis.cli.options import json_option, project_option
from trellis.cli.output import emit_json, progress
from trellis.environments.project import find_project


@click.command(
    epilog="Examples: trellis sync --from ssh://git@git.example.org/shop.git | trellis sync --from prod-main.bundle"
)
@click.option(
    "--from", "source", required=True, metavar="URL", help="What git can fetch from: a URL, a path, a bundle."
)
@json_option
@project_option
def sync(source: str, directory: Path, *, as_json: bool) -> None:
    """Move main here forwards to where it is in another repository, such as prod's; both are one commit afterwards.

    Changes are cut from main, so that those of non-prod fit on what prod has. Never moved are environments, change-sets
    and releases. Where main here has commits of its own, nothing is moved, and it exits 5.
    """
    from trellis.changes.syncing import sync_main
    from trellis.revisions.repository import opened

    project = find_project(directory)
    with opened(project.root) as repository:
        done = sync_main(repository, source)
    if as_json:
        emit_json({"branch": done.branch, "from": source, "commit": done.commit, "was": done.was, "moved": done.moved})
    elif done.moved:
        progress(f"{done.branch} is at {done.commit} here and there; it was at {done.was[:10] or 'nothing'} here")
    else:
        progress(f"{done.branch} is at {done.commit} here and there already")
