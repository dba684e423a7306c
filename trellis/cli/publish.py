"""`trellis publish`: a signed statement that an environment ran a release, and ran it well."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trellis.cli import completing
from trellis.cli.options import (
    chosen_environment,
    environment_option,
    json_option,
    no_input_option,
    project_option,
    yes_option,
)
from trellis.cli.output import confirm, emit_json, progress
from trellis.environments.loading import check_exists
from trellis.environments.project import Project, find_project
from trellis.errors import TrellisError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trellis.promotion.publishing import Publisher
    from trellis.promotion.records import Record


@click.command(
    epilog="Examples: trellis publish 7.2 -e dev | trellis publish 7.2 -e dev --withdraw --reason 'orders get lost' | "
    "trellis publish --renew-key -e dev"
)
@click.argument("version", required=False, shell_complete=completing.releases)
@environment_option
@click.option("--withdraw", is_flag=True, help="Take the publication back.")
@click.option("--reason", metavar="TEXT", default="", help="Why it is taken back; it is recorded and signed.")
@click.option(
    "--renew-key", is_flag=True, help="Take the signing certificate back and make a new one; publish again then."
)
@yes_option
@no_input_option
@json_option
@project_option
def publish(  # noqa: PLR0913 - one argument an option
    version: str | None,
    environment: str | None,
    reason: str,
    directory: Path,
    *,
    withdraw: bool,
    renew_key: bool,
    yes: bool,
    no_input: bool,
    as_json: bool,
) -> None:
    """Publish the release VERSION for the environments that pull from this one.

    Only what was applied there, and is healthy now, is published. A release that was published and is not healthy any
    more loses its publication.
    """
    project = find_project(directory)
    name = chosen_environment(project, environment)
    check_exists(project, name)
    if renew_key:
        _renew(project, name, yes=yes, no_input=no_input)
        document: dict[str, object] = {"environment": name, "renewed": True}
    elif version is None:
        raise UsageError("no release was named", hint=f"trellis publish VERSION -e {name}")
    else:
        record = _withdraw(project, name, version, reason) if withdraw else _publish(project, name, version)
        document = record.as_json()
    if as_json:
        emit_json(document)


def _publish(project: Project, name: str, version: str) -> "Record":
    from trellis.changes.reading import read
    from trellis.promotion import publishing
    from trellis.revisions.repository import opened

    with opened(project.root) as repository:
        known = read(repository)
        publishing.check_runs(repository, known, name, known.release(version))
    stack, outcome = _seen(project, name, version)
    publisher = _publisher(project, name, stack)
    with opened(project.root) as repository, _recorded(project, name, stack, f"published {version}: {outcome}"):
        record = publishing.publish(repository, publisher, version, outcome, datetime.now(UTC))
    progress(f"{name} published {version}: {outcome}")
    return record


def _seen(project: Project, name: str, version: str) -> tuple[str, str]:
    """The stack's name, and how well the environment is; a release that is published and not well is withdrawn."""
    from trellis.cli.status import environment_status
    from trellis.promotion.health import judged
    from trellis.promotion.publications import read_ledger
    from trellis.revisions.repository import opened

    document = asyncio.run(environment_status(project, name))
    try:
        return str(document["stack"]), judged(document)
    except TrellisError as fault:
        with opened(project.root) as repository:
            published = version in read_ledger(repository, name).published
        if published:
            _withdraw(project, name, version, fault.what, str(document["stack"]))
        raise


def _withdraw(project: Project, name: str, version: str, reason: str, stack: str = "") -> "Record":
    from trellis.promotion import publishing
    from trellis.revisions.repository import opened

    if not reason:
        raise UsageError("why it is taken back has to be said", hint="--reason TEXT")
    publisher = _publisher(project, name, stack or _stack(project))
    with opened(project.root) as repository, _recorded(project, name, publisher.stack, f"withdrew {version}", reason):
        record = publishing.withdraw(repository, publisher, version, reason, datetime.now(UTC))
    progress(f"{name} withdrew {version}: {reason}")
    return record


def _renew(project: Project, name: str, *, yes: bool, no_input: bool) -> None:
    from trellis.promotion import publishing

    confirm(f"Void every publication of {name}, and make a new key?", yes=yes, no_input=no_input)
    publisher = _publisher(project, name, _stack(project))
    with _recorded(project, name, publisher.stack, "renewed the signing key"):
        publishing.renew_key(publisher, datetime.now(UTC))
    progress(f"{name} has a new key; what it published before is void: trellis publish VERSION -e {name}")


def _publisher(project: Project, name: str, stack: str) -> "Publisher":
    from trellis.environments.keeping import KeptFile
    from trellis.promotion.publishing import Publisher

    return Publisher(project, stack, name, KeptFile(project, name))


def _stack(project: Project) -> str:
    from trellis.loading import load_stack

    return load_stack(project.stack_file).name


def _recorded(
    project: Project, name: str, stack: str, summary: str, reason: str = ""
) -> "AbstractContextManager[None]":
    from trellis.cli.events import recorded

    return recorded(project, name, stack, summary, reason)
