"""`trellis cert …` and `trellis renew`: what people and timers type."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trellis.cli.options import chosen_environment, environment_option, json_option, project_option
from trellis.cli.output import echo, emit_json, progress, table
from trellis.environments.project import find_project
from trellis_certificates.console import issue, revoke

if TYPE_CHECKING:
    from trellis_certificates.renewing import Renewed

_LOCK_WAIT = click.option(
    "--lock-wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait for the lock."
)


@click.group(
    epilog="Examples: trellis cert list -e prod | trellis cert renew shop.example | trellis cert ca > root.pem"
)
def cert() -> None:
    """Certificates of an environment: which there are, new ones, and the root of Trellis's own authority.

    For its console: issue and revoke.
    """


cert.add_command(issue)
cert.add_command(revoke)


@cert.command(name="list", epilog="Examples: trellis cert list -e prod | trellis cert list --json")
@environment_option
@json_option
@project_option
def list_(environment: str | None, directory: Path, *, as_json: bool) -> None:
    """List the certificates that the sites need, until when they last, and what the hosts have."""
    from trellis_certificates.listing import listed

    project = find_project(directory)
    name = chosen_environment(project, environment)
    found = asyncio.run(listed(project, name))
    if as_json:
        emit_json({"environment": name, "certificates": found})
    elif found:
        headings = ("certificate", "names", "issuer", "valid until", "days", "hosts", "state")
        table(headings, [_row(item) for item in found])
    else:
        progress(f"no site of {name} is served over TLS")


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    until = str(item["valid_until"] or "-")[:10]
    days = "-" if item["days_left"] is None else str(item["days_left"])
    return item["name"], ", ".join(item["names"]), item["issuer"], until, days, ", ".join(item["hosts"]), item["state"]


@cert.command(name="renew", epilog="Examples: trellis cert renew | trellis cert renew shop.example -e prod")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@environment_option
@json_option
@_LOCK_WAIT
@project_option
def renew_now(
    names: tuple[str, ...], environment: str | None, lock_wait: float, directory: Path, *, as_json: bool
) -> None:
    """Have the certificates NAME renewed now, due or not; without a NAME all of them."""
    from trellis_certificates.renewing import make_due, renewed

    project = find_project(directory)
    name = chosen_environment(project, environment)
    _show(name, renewed(project, name, lock_wait, before=lambda: make_due(project, name, names)), as_json=as_json)


@cert.command(epilog="Example: trellis cert ca -e prod > trellis-root.pem")
@environment_option
@project_option
def ca(environment: str | None, directory: Path) -> None:
    """Print the root certificate of the environment's own authority, for those who are to trust it."""
    from trellis_certificates.listing import root_certificate

    project = find_project(directory)
    echo(root_certificate(project, chosen_environment(project, environment)).rstrip())


@click.command(epilog="Examples: trellis renew -e prod | trellis renew --json")
@environment_option
@json_option
@_LOCK_WAIT
@project_option
def renew(environment: str | None, lock_wait: float, directory: Path, *, as_json: bool) -> None:
    """Renew the certificates that are due, and change nothing else; made for a timer.

    Exit code 4 tells that one could not be renewed. It serves on for as long as it lasts, and the next run tries again.
    """
    from trellis_certificates.renewing import renewed, take_advice

    project = find_project(directory)
    name = chosen_environment(project, environment)
    _show(name, renewed(project, name, lock_wait, before=lambda: take_advice(project, name)), as_json=as_json)


def _show(environment: str, done: "Renewed", *, as_json: bool) -> None:
    if as_json:
        emit_json({"environment": environment, "renewed": list(done.names), "failed": list(done.failed)})
    elif done.names:
        echo(f"Renewed: {', '.join(done.names)}")
    elif not done.failed:
        echo("Nothing is due.")
    done.refuse_failures()
